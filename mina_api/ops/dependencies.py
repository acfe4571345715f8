"""What operations calls ask for."""

from typing import Annotated

from fastapi import Depends, Request

from mina_api.ops.operations import Operations


async def get_operations(request: Request) -> Operations:
    """The application's operations."""
    operations: Operations = request.app.state.operations
    return operations


OperationsOf = Annotated[Operations, Depends(get_operations)]
