"""Revisions: followers that come while changes go on are served, and leave nothing behind."""

import asyncio
from collections.abc import Awaitable, Callable

from gpurules.service.state.events import EventLog
from gpurules.service.state.revisions import Revisions


def running(what: Callable[[Revisions], Awaitable[None]]) -> None:
    async def run() -> None:
        sections = {"directives": dict, "rules": dict}
        revisions = Revisions(1, sections, EventLog(1), lambda: 0.0, lambda: None)
        revisions.attach(asyncio.get_running_loop())
        try:
            await asyncio.wait_for(what(revisions), 5)
        finally:
            revisions.detach()

    asyncio.run(run())


def test_a_follower_is_served_while_changes_go_on() -> None:
    async def check(revisions: Revisions) -> None:
        async def change() -> None:
            while True:
                revisions.bump()
                await asyncio.sleep(0.001)  # changes come faster than sections are worked out

        changing = asyncio.create_task(change())
        revisions.followers = 1
        await revisions.settle()
        changing.cancel()
        assert b'"rules":{}' in revisions.frame(-1)[0]

    running(check)


def test_a_follower_that_leaves_before_its_state_leaves_no_task_behind() -> None:
    async def check(revisions: Revisions) -> None:
        await asyncio.sleep(0.1)  # tasks of the start have ended
        known = asyncio.all_tasks()
        for _ in range(20):
            waiting = asyncio.create_task(revisions.settle())
            await asyncio.sleep(0.002)  # settle() is at work when it is canceled
            waiting.cancel()
            await asyncio.sleep(0)  # one turn of the loop: the cancellation arrives
        assert len(asyncio.all_tasks() - known) <= 1, "only the task that works the sections out may be new"

    running(check)


def test_a_later_follower_does_not_wait_for_what_others_have_already() -> None:
    async def check(revisions: Revisions) -> None:
        revisions.followers = 1
        await revisions.settle()
        before = revisions.revision
        await asyncio.wait_for(revisions.settle(), 0.01)
        assert revisions.revision == before

    running(check)
