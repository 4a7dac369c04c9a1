"""Start by path: ``python …/worker/__main__.py DESCRIPTOR``; speaks to the parent over that socket only."""

import os
import sys


def _make_importable() -> None:
    """Make ``alembic_review.model`` and ``.worker`` importable, and nothing else that lies beside them."""
    import types

    here = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.abspath(sys.path[0]) == here:
        del sys.path[0]
    package = types.ModuleType("alembic_review")
    package.__path__ = [os.path.dirname(here)]
    sys.modules["alembic_review"] = package


def _tie_processes() -> None:
    """Linux, prctl(2): end when the parent is killed, also while env.py hangs, and keep orphans of ours.

    The latter lets the parent find every process that the application started, to end it with us.
    """
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal, set_child_subreaper = 1, 36
        prctl = ctypes.CDLL(None).prctl
        prctl(set_parent_death_signal, 9)
        prctl(set_child_subreaper, 1)


def _main() -> int:
    descriptor = int(sys.argv[1])
    # The project is not written to, not even with the byte code of its modules.
    sys.dont_write_bytecode = True
    os.set_inheritable(descriptor, False)  # noqa: FBT003 - its only form
    _tie_processes()
    _make_importable()
    if sys.version_info < (3, 10):
        print(f"alembic-review needs Python 3.10 or newer for the application, not {sys.version.split()[0]}.")
        return 3
    try:
        import alembic
        import sqlalchemy  # noqa: F401
    except ImportError as error:
        from alembic_review.worker.channel import Channel

        hint = "Name the application's interpreter with --python."
        Channel(descriptor).send("error", message=f"{sys.executable} can't import Alembic: {error}", hint=hint)
        return 3
    from alembic_review.worker.message_loop import serve

    sys.argv[:] = [os.path.join(os.path.dirname(sys.executable), "alembic")]
    return serve(descriptor, alembic.__version__)


if __name__ == "__main__":
    sys.exit(_main())
