"""Object storage: what S3 is to an application, and where source bundles and logs are kept."""

from jackbean.services.objects.collecting import collect
from jackbean.services.objects.conditions import Conditions, NotModified
from jackbean.services.objects.incoming import Incoming
from jackbean.services.objects.listing import ListQuery, Page
from jackbean.services.objects.service import ObjectService, Write
from jackbean.services.objects.uploads import Completion, PartName, UploadName, UploadService

__all__ = [
    "Completion",
    "Conditions",
    "Incoming",
    "ListQuery",
    "NotModified",
    "ObjectService",
    "Page",
    "PartName",
    "UploadName",
    "UploadService",
    "Write",
    "collect",
]
