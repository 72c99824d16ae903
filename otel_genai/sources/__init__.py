"""Who sees: what publishes events, and knows nothing of who exports them."""
