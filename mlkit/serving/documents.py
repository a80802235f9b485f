from starlette.routing import BaseRoute

from mlkit.serving.service import Service


def documents_routes(service: Service) -> list[BaseRoute]:
    return []
