"""Buckets of stacks, on those that the S3 API serves.

A bucket that is not empty is kept when its stack ends, as on AWS. What a bucket has besides its
name and its policy (versions, encryption, websites) is not realised: the API does not have it
either. Whoever deploys it is told so (`stacks.schemas`).
"""

from __future__ import annotations

from jackbean.core.errors import Fault
from jackbean.core.resources import Gone, Made
from jackbean.ports.resources import Properties, Wanted
from jackbean.services.objects import ObjectService
from jackbean.services.resources import properties as told

BUCKET, POLICY = "AWS::S3::Bucket", "AWS::S3::BucketPolicy"


class BucketProvider:
    """ports.Provider."""

    types = (BUCKET,)

    def __init__(self, objects: ObjectService, region: str) -> None:
        self._objects = objects
        self._region = region

    async def exists(self, wanted: Wanted) -> bool:
        return await _exists(self._objects, wanted.name)

    async def ensure(self, wanted: Wanted) -> Made:
        bucket = await self._objects.ensure_bucket(wanted.name)
        name, region = bucket.name, self._region
        attributes = {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{region}.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
            "WebsiteURL": f"http://{name}.s3-website-{region}.amazonaws.com",
        }
        return Made(name, attributes)

    async def remove(self, wanted: Wanted) -> Gone:
        if await _exists(self._objects, wanted.name):
            await self._objects.delete_bucket(wanted.name)
        return Gone()

    async def read(self, wanted: Wanted) -> Properties | None:
        there = await _exists(self._objects, wanted.name)
        return {"BucketName": wanted.name} if there else None


class BucketPolicyProvider:
    """ports.Provider. A policy is part of its bucket."""

    types = (POLICY,)

    def __init__(self, objects: ObjectService) -> None:
        self._objects = objects

    async def exists(self, wanted: Wanted) -> bool:
        return False

    async def ensure(self, wanted: Wanted) -> Made:
        told.check(wanted, ("Bucket", "PolicyDocument"))
        bucket = told.required(wanted, "Bucket")
        await self._objects.set_policy(bucket, told.required(wanted, "PolicyDocument"))
        return Made(bucket)

    async def remove(self, wanted: Wanted) -> Gone:
        bucket = told.required(wanted, "Bucket")
        if await _exists(self._objects, bucket):
            await self._objects.set_policy(bucket, "")
        return Gone()

    async def read(self, wanted: Wanted) -> Properties | None:
        name = told.text(wanted.properties.get("Bucket"))
        if not await _exists(self._objects, name):
            return None
        policy = (await self._objects.bucket(name)).policy
        return {"Bucket": name, "PolicyDocument": told.read(policy)} if policy else None


async def _exists(objects: ObjectService, name: str) -> bool:
    try:
        await objects.bucket(name)
    except Fault as fault:
        if fault.code != "NoSuchBucket":
            raise
        return False
    return True
