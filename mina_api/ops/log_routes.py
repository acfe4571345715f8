"""`/ops/logs`: how much our loggers say, changed while the workers run."""

from typing import Annotated

from fastapi import Depends, Path

from mina_api.errors import Forbidden
from mina_api.ops.access import Operator, OperatorOf
from mina_api.ops.dependencies import OperationsOf
from mina_api.ops.log_levels import LoggerName, LogLevelChange, LogLevelList
from mina_api.web.openapi import responses
from mina_api.web.routing import Router

router = Router(prefix="/ops/logs", tags=["Operations"])

Name = Annotated[LoggerName, Path(description="`mina.access`, or a module of `mina_api`", examples=["mina_api.cache"])]


async def get_operator_of_all(operator: OperatorOf) -> Operator:
    """Who operates all workspaces: logs are of all; raises Forbidden."""
    if operator.scope is not None:
        raise Forbidden("The logs are of all workspaces: setting them takes the ops token.")
    return operator


OfAll = Annotated[Operator, Depends(get_operator_of_all)]


@router.get("", summary="Levels that are set", responses=responses(401, 403, 503))
async def list_log_levels(_: OfAll, operations: OperationsOf) -> LogLevelList:
    """The loggers whose level was changed while the workers run, and until when."""
    return await operations.log_levels.read()


@router.put("/{logger}", summary="Set a logger's level", responses=responses(401, 403, 422, 503))
async def set_log_level(logger: Name, change: LogLevelChange, _: OfAll, operations: OperationsOf) -> LogLevelList:
    """In every worker within a second, and for as long as is said; while Redis is away in this worker alone."""
    return await operations.log_levels.set(logger, change)


@router.delete("/{logger}", summary="Unset a logger's level", responses=responses(401, 403, 422, 503))
async def unset_log_level(logger: Name, _: OfAll, operations: OperationsOf) -> LogLevelList:
    """The logger has again the level that the worker started with."""
    return await operations.log_levels.clear(logger)
