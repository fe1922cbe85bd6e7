"""The database that an environment brings up with itself."""

from __future__ import annotations

from functools import partial

from jackbean.core.options.domains import Boolean, Choice, Items, Text, Whole
from jackbean.core.options.option import COUPLED, Apply, ChangeSeverity, Option

_database = partial(
    Option,
    "aws:rds:dbinstance",
    resource_name="AWSEBRDSDatabase",
    apply=Apply.DATABASE,
    checked=True,
    where=(COUPLED,),
)

DATABASE: tuple[Option, ...] = (
    _database(
        "DBAllocatedStorage",
        "Database storage in gigabytes; may grow, never shrink",
        Whole(5, 1024),
        "5",
        unit="GB",
    ),
    _database(
        "DBBackupRetentionPeriod",
        "Days automatic backups are kept",
        Whole(0, 35),
        "1",
        unit="days",
    ),
    _database(
        "DBDeletionPolicy",
        "Fate of the database on decoupling or termination",
        Choice(("Delete", "Retain", "Snapshot")),
        "Delete",
    ),
    _database(
        "DBEngine",
        "Database engine",
        Choice(
            (
                "mysql",
                "mariadb",
                "postgres",
                "oracle-se1",
                "sqlserver-ex",
                "sqlserver-web",
                "sqlserver-se",
            )
        ),
        "mysql",
    ),
    _database(
        "DBEngineVersion",
        "Engine version; the newest there is where not set",
        Text(r"[a-zA-Z0-9.]*", "a version such as 8.0", 64),
        default_aws="5.5",
    ),
    _database(
        "DBInstanceClass",
        "Database instance class; a change re-provisions it",
        Text(length_max=64),
        "db.t2.micro",
    ),
    _database(
        "DBPassword",
        "Master password",
        Text(r"[^(/@)\x00-\x1f]*", "a password without ( ) / @ and control characters", 128),
        secret=True,
    ),
    _database(
        "DBSnapshotIdentifier",
        "Snapshot to restore from",
        Text(r"[a-zA-Z][a-zA-Z0-9-]*", "letters, digits and hyphens, a letter first", 256),
        severity=ChangeSeverity.RESTART_DATABASE,
    ),
    _database(
        "DBStorageType",
        "Database volume type",
        Choice(("gp2", "io1", "standard")),
        "standard",
    ),
    _database(
        "DBUser",
        "Master user name",
        Text(r"[a-zA-Z][a-zA-Z0-9]*", "letters and digits, a letter first", 128),
        "ebroot",
        severity=ChangeSeverity.RESTART_DATABASE,
    ),
    _database(
        "HasCoupledDatabase",
        "Attach (true) or decouple (false) a database; a request to decouple ignores every other "
        "change",
        Boolean(),
        "false",
        where=(),
    ),
    _database(
        "MultiAZDatabase",
        "Standby copy in a second zone",
        Boolean(),
        "false",
        severity=ChangeSeverity.RESTART_DATABASE,
    ),
    _database(
        "ReadReplicaIdentifiers",
        "Read replicas of the database",
        Items(Text(r"[0-9a-zA-Z]+", "letters and digits", 64)),
    ),
)
