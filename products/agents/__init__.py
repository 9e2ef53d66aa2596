"""What shopping agents may ask: the catalogue by UCP, over REST and over MCP.

`profile` says what the shop offers and where. `rest` and `mcp` have the addresses. `door`
lets a request in: its size, its JSON. `negotiation` reads who asks, `questions` checks
what is asked, and `refusals` names what is wrong. `catalog` answers the three operations,
`cursors` leads to the next page, and `shapes` writes a product as UCP has it. Of MCP,
`jsonrpc` has the messages, `versions` what they say of their version, and `tools` the
operations as a language model reads them.

UCP is the Universal Commerce Protocol, https://ucp.dev; MCP the Model Context Protocol,
https://modelcontextprotocol.io. Nothing here writes, and nobody needs an account.
"""
