"""Files that lead SDKs here which do not follow AWS_ENDPOINT_URL, where names cannot.

On an instance with a network of its own AWS's names lead to the control plane (`agent.names`).
Elsewhere the machine's resolver and its port 443 are not ours, so what is left are the places
where SDKs look by themselves:

- botocore reads service data in AWS_DATA_PATH before its own. Up to 1.27 it finds hosts in
  `endpoints.json`, then by a service's rules, whose parameter Endpoint gets a default here.
- Version 2 of the SDK for JavaScript knows no variable. A module that is loaded first sets the
  endpoint when the SDK is, unless the application has set one.

An application that means AWS itself has none of the variables (`agent.environment`).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

INSIDE = "/opt/jackbean/signposts"  # where instances with a file system of their own see them
MODULE = "aws-sdk.cjs"
# Services that are here, by botocore's names, with the versions of their APIs.
VERSIONS = {
    "cloudformation": "2010-05-15",
    "dynamodb": "2012-08-10",
    "elasticbeanstalk": "2010-12-01",
    "logs": "2014-03-28",
    "s3": "2006-03-01",
    "sns": "2010-03-31",
    "sqs": "2012-11-05",
    "sts": "2011-06-15",
}
# What is left of a service's hosts once there is one host for all.
KEPT = ("credentialScope", "signatureVersions")

Json = dict[str, Any]

# What is loaded before an application of Node.js: it does nothing until somebody loads the SDK.
JAVASCRIPT = """\
"use strict";
// Leads version 2 of AWS's SDK to AWS_ENDPOINT_URL, which it does not read itself.
const url = process.env.AWS_ENDPOINT_URL;
const Module = require("module");
if (url && typeof Module._load === "function") {
  const load = Module._load;
  const inside = /[\\\\/]aws-sdk[\\\\/](lib|clients|global|index)/;
  Module._load = function (request, parent) {
    const found = load.apply(this, arguments);
    try {
      if (/(^|\\/)core$/.test(request) && parent && inside.test(parent.filename || "")) lead(found);
    } catch (error) {
      // whoever loads it finds what it has
    }
    return found;
  };
}
function lead(sdk) {
  if (Object.hasOwn(sdk, "config") && !sdk.config.endpoint) {
    sdk.config.update({ endpoint: url, s3ForcePathStyle: true });
  }
}
"""


def variables(place: str) -> dict[str, str]:
    """Return what programs are told, so that SDKs look into the folder `place`."""
    return {
        "AWS_DATA_PATH": place,
        "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "regional",  # else some hosts are in the SDK's code
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        "NODE_OPTIONS": f'--require "{place}/{MODULE}"',
    }


def put_up(folder: Path, url: str) -> None:
    """Write the files that lead to `url`, each whole, for everybody to read. Raises OSError."""
    for name, content in _files(url):
        path = folder / name
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.new")
        new.write_text(content)
        new.chmod(0o644)
        new.replace(path)


def _files(url: str) -> Iterator[tuple[str, str]]:
    yield MODULE, JAVASCRIPT
    yield "endpoints.json", json.dumps(endpoints(_hosts(), url))
    for service, version in VERSIONS.items():
        made = json.dumps(rules(url, "s3" if service == "s3" else ""))
        yield f"{service}/{version}/endpoint-rule-set-1.json", made


def endpoints(hosts: Json, url: str) -> Json:
    """Return botocore's table of hosts with one host for all services, in every region."""
    (aws,) = (one for one in hosts["partitions"] if one["partition"] == "aws")
    scheme, _, host = url.rstrip("/").partition("://")
    services = {
        name: {
            **{
                key: value for key, value in service.items() if key not in {"defaults", "endpoints"}
            },
            "defaults": _kept(service.get("defaults", {})),
            "endpoints": {region: _kept(said) for region, said in service["endpoints"].items()},
        }
        for name, service in aws["services"].items()
    }
    defaults = {"hostname": host, "protocols": [scheme], "signatureVersions": ["v4"]}
    return {**hosts, "partitions": [{**aws, "defaults": defaults, "services": services}]}


def _kept(said: Json) -> Json:
    return {key: value for key, value in said.items() if key in KEPT}


def rules(url: str, kind: str = "") -> Json:
    """Return rules that find `url` where nobody names an endpoint; "s3" has buckets in its path."""
    place = "{url#scheme}://{url#authority}{url#normalizedPath}"
    parsed = {"fn": "parseURL", "argv": [{"ref": "Endpoint"}], "assign": "url"}
    encoded = {"fn": "uriEncode", "argv": [{"ref": "Bucket"}], "assign": "encoded"}
    named = {"fn": "isSet", "argv": [{"ref": "Bucket"}]}
    found = [_rule([parsed], place, {})]
    if kind == "s3":
        signing = {"name": "sigv4", "signingName": "s3", "signingRegion": "{Region}"}
        properties = {"authSchemes": [{**signing, "disableDoubleEncoding": True}]}
        found = [
            _rule([parsed, named, encoded], f"{place}{{encoded}}", properties),
            _rule([parsed], place, properties),
        ]
    return {
        "version": "1.0",
        "parameters": {
            "Region": {"builtIn": "AWS::Region", "type": "String", "required": False},
            "Endpoint": {
                "builtIn": "SDK::Endpoint",
                "type": "String",
                "required": True,
                "default": url,
            },
            **({"Bucket": {"type": "String", "required": False}} if kind == "s3" else {}),
        },
        "rules": found,
    }


def _rule(conditions: list[Json], url: str, properties: Json) -> Json:
    endpoint = {"url": url, "properties": properties, "headers": {}}
    return {"conditions": conditions, "endpoint": endpoint, "type": "endpoint"}


def _hosts() -> Json:
    """Return the table of the botocore that we have ourselves."""
    import botocore  # noqa: PLC0415 - its folder is all that is wanted of it

    data = Path(botocore.__file__).parent / "data"
    plain = data / "endpoints.json"
    text = (
        plain.read_bytes()
        if plain.exists()
        else gzip.decompress(plain.with_name("endpoints.json.gz").read_bytes())
    )
    hosts: Json = json.loads(text)
    return hosts
