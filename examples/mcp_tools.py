"""An agent that calls a tool of an MCP server: two processes, one trace, which goes from one to the other in `_meta`.

Run it with a collector on this machine; the server is started by the client, as desktop programs do:

    pip install "otel-genai[mcp]"
    OTEL_GENAI_ENABLED=true OTEL_SERVICE_NAME=weather python mcp_tools.py Oslo
"""

import os
import sys

import anyio
from mcp import StdioServerParameters, stdio_client
from mcp.client import Client
from mcp.server import MCPServer

import otel_genai as genai

server = MCPServer("weather", log_level="WARNING")


@server.tool()
def forecast(city: str) -> str:
    """What the weather will be like: the span of it is in the trace of the agent that asks."""
    with genai.retrieval("stations"):
        return f"sunny in {city}"


@genai.agent("traveller")
async def travel(city: str) -> str:
    here = StdioServerParameters(command=sys.executable, args=[__file__, "--serve"], env=dict(os.environ))
    async with Client(stdio_client(here)) as client:
        result = await client.call_tool("forecast", {"city": city})
    return result.content[0].text


def main(*arguments: str) -> None:
    telemetry = genai.configure()
    genai.instrument("mcp")
    if "--serve" in arguments:
        server.run("stdio")
    else:
        print(anyio.run(travel, *arguments))
    telemetry.shutdown()


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["Oslo"]))
