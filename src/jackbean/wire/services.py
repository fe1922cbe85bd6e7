"""How services are recognised on the wire: a table.

Most services sign with their own name and have one version, and need no row. A row is here
because the name differs, because two services share one, or because a request may have to be
recognised without a signature: by its API version or by the prefix of its JSON target.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    service: str  # botocore's name
    signing_name: str
    version: str
    target_prefix: str = ""


TABLE = (
    Row("acm", "acm", "2015-12-08", "CertificateManager"),
    Row("autoscaling", "autoscaling", "2011-01-01"),
    Row("cloudformation", "cloudformation", "2010-05-15"),
    Row("cloudwatch", "monitoring", "2010-08-01", "GraniteServiceVersion20100801"),
    Row("codebuild", "codebuild", "2016-10-06", "CodeBuild_20161006"),
    Row("codecommit", "codecommit", "2015-04-13", "CodeCommit_20150413"),
    Row("dynamodb", "dynamodb", "2012-08-10", "DynamoDB_20120810"),
    Row("ec2", "ec2", "2016-11-15"),
    Row("ecs", "ecs", "2014-11-13", "AmazonEC2ContainerServiceV20141113"),
    Row("elasticache", "elasticache", "2015-02-02"),
    Row("elasticbeanstalk", "elasticbeanstalk", "2010-12-01"),
    Row("elb", "elasticloadbalancing", "2012-06-01"),
    Row("elbv2", "elasticloadbalancing", "2015-12-01"),
    Row("events", "events", "2015-10-07", "AWSEvents"),
    Row("iam", "iam", "2010-05-08"),
    Row("kms", "kms", "2014-11-01", "TrentService"),
    Row("logs", "logs", "2014-03-28", "Logs_20140328"),
    Row("rds", "rds", "2014-10-31"),
    Row("secretsmanager", "secretsmanager", "2017-10-17", "secretsmanager"),
    Row("ses", "ses", "2010-12-01"),
    Row("sns", "sns", "2010-03-31"),
    Row("sqs", "sqs", "2012-11-05", "AmazonSQS"),
    Row("ssm", "ssm", "2014-11-06", "AmazonSSM"),
    Row("sts", "sts", "2011-06-15"),
)

BY_TARGET_PREFIX = {row.target_prefix: row.service for row in TABLE if row.target_prefix}
BY_SIGNING_NAME = {row.signing_name: row.service for row in reversed(TABLE)}
BY_SIGNING_NAME_AND_VERSION = {(row.signing_name, row.version): row.service for row in TABLE}
BY_VERSION = {row.version: row.service for row in reversed(TABLE)}  # the first row wins
EC2_STYLE = frozenset({"ec2"})
