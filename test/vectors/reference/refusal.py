"""How the reference implementation refuses input."""


class Refused(Exception):
    """Input that has no answer. `code` is the stable code that `soma conformance` gives for it."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code
