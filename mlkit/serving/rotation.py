from pathlib import Path


class Rotation:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self) -> None:
        pass
