"""Several .asmx files beside one another, as in a directory that IIS serves."""

from dataclasses import replace

from spyne_asmx.context import AsmxContext
from spyne_asmx.endpoint import AsmxEndpoint
from spyne_asmx.http import Request, Response, text_response, too_large
from spyne_asmx.limits import Limits


class AsmxEndpoints:
    """Serves each request by the endpoint whose path it has. Mount it in place of an endpoint."""

    def __init__(self, *endpoints: AsmxEndpoint) -> None:
        self._by_path = {endpoint.path.lower(): endpoint for endpoint in endpoints}
        if not endpoints or len(self._by_path) < len(endpoints):
            raise ValueError("each endpoint needs a path of its own, and there must be one")
        self.limits = _widest([endpoint.limits for endpoint in endpoints])
        """How large a body is read; each endpoint has its own limits."""

    @property
    def path(self) -> str:
        """The path of the first endpoint."""
        return self.paths[0]

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of all endpoints."""
        return tuple(endpoint.path for endpoint in self._by_path.values())

    def handle(self, request: Request) -> Response:
        """Answer a request from beginning to end."""
        begun = self.begin(request)
        return begun if isinstance(begun, Response) else self.finish(begun)

    def begin(self, request: Request) -> AsmxContext | Response:
        """Decode a request: a call ready to be run, or already the answer."""
        endpoint = self._endpoint(request)
        if endpoint is None:
            return text_response(404, "Not found.")
        if len(request.body) > endpoint.limits.body:
            return too_large(endpoint.limits.body)
        return endpoint.begin(request)

    def finish(self, ctx: AsmxContext) -> Response:
        """Run a call that ``begin`` decoded, and write its answer."""
        endpoint = self._endpoint(ctx.request)
        if endpoint is None:
            raise ValueError(f"{ctx.request.path} is no path of these endpoints")
        return endpoint.finish(ctx)

    def _endpoint(self, request: Request) -> AsmxEndpoint | None:
        """The endpoint at the longest beginning of the request's path that has one."""
        path = request.path.lower()
        while path:
            if path in self._by_path:
                return self._by_path[path]
            path = path.rpartition("/")[0]
        return None


def _widest(limits: list[Limits]) -> Limits:
    return replace(limits[0], body=max(each.body for each in limits))
