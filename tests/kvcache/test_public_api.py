import inspect
from importlib import resources

import kvcache


def test_everything_that_is_exported_exists_and_is_documented() -> None:
    assert len(set(kvcache.__all__)) == len(kvcache.__all__)
    for name in kvcache.__all__:
        exported = getattr(kvcache, name)
        if inspect.isclass(exported) or inspect.isfunction(exported):
            assert inspect.getdoc(exported)


def test_the_package_says_that_it_is_typed() -> None:
    assert resources.files("kvcache").joinpath("py.typed").is_file()
