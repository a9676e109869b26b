"""One of several processes that want the same token at the same moment.

Says `ready`, waits for a line, then asks a platform whose account a source is, and prints it.
"""

import asyncio
import os
import sys

from listbackup.app import App, Reach
from listbackup.connectors.rest.connection import Connection
from listbackup.connectors.rest.opening import identify, open_requester
from listbackup.events import ignore


async def ask(app: App, connection: Connection) -> str:
    requester = open_requester(connection, ignore, app.host.entropy)
    try:
        account = await identify(connection, requester)
    finally:
        await requester.close()
    return account.id if account else ""


def main() -> None:
    app = App(os.environ)
    connection = app.named_endpoint(Reach(volatile=True), sys.argv[1]).address
    connection.credential()
    print("ready", flush=True)
    sys.stdin.readline()
    print(asyncio.run(ask(app, connection)), flush=True)


if __name__ == "__main__":
    main()
