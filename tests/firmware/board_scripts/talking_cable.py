"""The quick gate with a cable on which somebody prints all the time, also a whole traceback."""

import asyncio
import sys

from tests.firmware.board_scripts import quick_cable


async def _talk():
    number = 0
    while True:
        await asyncio.sleep_ms(7)
        number += 1
        print("line", number)
        if number % 20 == 0:
            try:
                raise ValueError("said on purpose")
            except ValueError as error:
                sys.print_exception(error)


async def run(root):
    talking = asyncio.create_task(_talk())
    await quick_cable.run(root)
    await talking
