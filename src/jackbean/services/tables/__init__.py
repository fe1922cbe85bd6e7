"""Tables (DynamoDB): what they promise, apart from how it is said on the wire and kept on disk."""

from jackbean.services.tables.service import TableService

__all__ = ["TableService"]
