"""The boundaries of histograms: of the specification, reaching an hour where something may take that long."""

DEFAULT_BUCKETS = (0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000)
UP_TO_AN_HOUR = (
    *DEFAULT_BUCKETS,
    *(15000, 20000, 30000, 45000, 60000, 120000, 180000, 240000, 300000, 600000, 900000, 1800000, 3600000),
)
CONTEXT_BUCKETS = (*DEFAULT_BUCKETS, 16000, 32000, 64000, 128000, 200000, 400000, 1000000, 2000000)
UP_TO_A_GIGABYTE = (*DEFAULT_BUCKETS, *(4**n * 2**16 for n in range(8)))
GENAI_SECONDS = tuple(0.01 * 2**n for n in range(14))
GENAI_TOKENS = tuple(4**n for n in range(14))
AGENT_SECONDS = tuple(0.1 * 2**n for n in range(13))
AGENT_CALLS = tuple(2**n for n in range(8))
MCP_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
WORKFLOW_SECONDS = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
HTTP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
