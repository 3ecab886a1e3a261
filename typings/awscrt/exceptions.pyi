class AwsCrtError(Exception):
    code: int
    name: str
    message: str
    def __init__(self, code: int, name: str, message: str) -> None: ...
