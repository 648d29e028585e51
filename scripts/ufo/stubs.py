"""Stand-ins for what UFO imports and what is not there: Windows' own modules, and those that parsing does without."""

import importlib.abc
import importlib.machinery
import sys
import types


class Kind(type):
    """The kind of what is absent: a class of it has parts, too."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Kind(name, (Absent,), {})

    def __or__(cls, other):
        return cls

    __ror__ = __or__


class Absent(metaclass=Kind):
    """Anything of a module that is not there: it can be derived from, called, and asked for more of its kind."""

    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, *args, **kwargs):
        # As a decorator, it changes nothing.
        return args[0] if len(args) == 1 and not kwargs and callable(args[0]) else Absent()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent()

    def __class_getitem__(cls, item):
        return cls

    def __getitem__(self, key):
        return Absent()

    def __iter__(self):
        return iter(())

    def __mro_entries__(self, bases):
        return ()

    def __or__(self, other):
        return self

    __ror__ = __or__


class AbsentModule(types.ModuleType):
    """A module that is not there."""

    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = Kind(name, (Absent,), {"__module__": self.__name__})
        setattr(self, name, value)
        return value


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Comes last: what nobody else finds is absent. Parts of UFO itself are not."""

    def __init__(self, own):
        self.own, self.absent = own, set()

    def find_spec(self, name, path=None, target=None):
        root = name.split(".")[0]
        # A module that is there has its own reasons to look for parts that are not.
        if root in self.own or (root in sys.modules and not isinstance(sys.modules[root], AbsentModule)):
            return None
        # And so has one that looks for itself or for a module of the language.
        if root in sys.stdlib_module_names and root not in ("winreg", "msvcrt", "_winapi", "winsound"):
            return None
        self.absent.add(root)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return AbsentModule(spec.name)

    def exec_module(self, module):
        pass


def install(own):
    """From now on every import succeeds, but for those of UFO's own packages `own`."""
    finder = Finder(set(own))
    sys.meta_path.append(finder)
    return finder
