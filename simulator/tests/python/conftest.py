"""One simulator program and one bot for the whole run. Each test begins with the world of `world.py`."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from bot import Bot
from world import SEED, SERVICE, Family, Simulator

# The operations that Twilio's library has had carried out, as (operation, path, status).
SEEN = pytest.StashKey[list]()
WHOLE = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    seed = tmp_path_factory.mktemp("seed") / "seed.yaml"
    seed.write_text(json.dumps(SEED))
    command = [os.environ["SIMULATOR_BIN"], "--check-replies", "--seed", str(seed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield Simulator(process.stdout.readline().strip())
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0


@pytest.fixture
def simulator(program, request):
    program.control("POST", "/reset")
    wrong = program.violations()
    yield program
    assert program.violations() == wrong, "every reply is one that Twilio would give"
    request.config.stash[SEEN] += [
        (entry["operation"], entry["path"], entry["status"])
        for entry in program.journal()
        if entry["userAgent"].startswith("twilio-python/")
    ]


@pytest.fixture(params=[None, SERVICE], ids=["default service", "service"])
def family(simulator, request):
    return Family(simulator, request.param)


@pytest.fixture
def default(simulator):
    """The short paths alone, for what has nothing to do with paths."""
    return Family(simulator)


@pytest.fixture(scope="session")
def the_bot():
    bot = Bot()
    yield bot
    bot.stop()


@pytest.fixture
def bot(the_bot):
    return the_bot.door()


def pytest_configure(config):
    config.stash[SEEN] = []
    # An assertion in there is to say as much as one in a test.
    pytest.register_assert_rewrite("judge")


def pytest_collection_modifyitems(config, items):
    """What looks back at the whole run comes last, and only where the whole was asked for."""
    items.sort(key=lambda item: item.path.name == "test_completeness.py")
    files = {item.path for item in items}
    every = set(Path(__file__).parent.glob("test_*.py"))
    narrowed = config.option.keyword or any("::" in argument for argument in config.args)
    config.stash[WHOLE] = files == every and not narrowed


@pytest.fixture
def seen(request):
    if not request.config.stash[WHOLE]:
        pytest.skip("only some of the tests were asked for")
    return request.config.stash[SEEN]
