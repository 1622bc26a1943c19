"""Lets mmdet 3.3 be imported with an mmcv whose compiled operations were not built; what is used here is plain Python."""
import sys
import types


class _Ext(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)

        def not_built(*args, **kwargs):
            raise RuntimeError(f"mmcv's operation {name} was not built")

        return not_built


def install():
    import mmcv

    try:
        import mmcv._ext  # noqa: F401
    except ImportError:
        sys.modules["mmcv._ext"] = mmcv._ext = _Ext("mmcv._ext")
