"""An agent behind Starlette: one trace from the caller through server, agent, tool and model call to the provider.

Run it with a collector on this machine, and a provider's key in OPENAI_API_KEY:

    pip install "otel-genai[openai]" uvicorn
    OTEL_GENAI_ENABLED=true OTEL_SERVICE_NAME=gateway uvicorn gateway:app
    curl -d '{"question": "why is the sky blue?"}' localhost:8000/ask
"""

from openai import AsyncOpenAI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import otel_genai as genai

genai.configure()
genai.instrument("openai")
client = AsyncOpenAI()


@genai.tool
def search(query: str) -> list[str]:
    return [f"what is known of {query}"]


@genai.agent("planner")
async def plan(question: str) -> str:
    hits = search(question)
    reply = await client.chat.completions.create(
        model="gpt-5.5", messages=[{"role": "user", "content": f"{question} {hits}"}]
    )
    return reply.choices[0].message.content or ""


async def ask(request: Request) -> JSONResponse:
    question = (await request.json())["question"]
    return JSONResponse({"answer": await plan(question)})


app = Starlette(routes=[Route("/ask", ask, methods=["POST"])])
app.add_middleware(genai.Middleware, channel="web")
