"""Config files in the shapes of public bundles: what people have brought with them for years."""

from __future__ import annotations

# The sign-up: keys as elements, subscribers inline, an address by an option that is not set.
SIGN_UP = """
Resources:
  People:
    Type: AWS::DynamoDB::Table
    Properties:
      KeySchema:
        HashKeyElement: {AttributeName: "email", AttributeType: "S"}
      ProvisionedThroughput: {ReadCapacityUnits: 1, WriteCapacityUnits: 1}
  Heard: {Type: "AWS::SQS::Queue"}
  News:
    Type: AWS::SNS::Topic
    Properties:
      Subscription:
        - Endpoint: {"Fn::GetOptionSetting": {OptionName: Mail, DefaultValue: "me@example.com"}}
          Protocol: email
        - Endpoint: {"Fn::GetAtt": ["Heard", "Arn"]}
          Protocol: "sqs"
  May:
    Type: "AWS::SQS::QueuePolicy"
    Properties:
      Queues: [{Ref: "Heard"}]
      PolicyDocument:
        Version: "2008-10-17"
        Id: "PublicationPolicy"
        Statement:
          - Sid: "Allow-SNS-SendMessage"
            Effect: "Allow"
            Principal: {AWS: "*"}
            Action: ["sqs:SendMessage"]
            Resource: {"Fn::GetAtt": ["Heard", "Arn"]}
            Condition: {ArnEquals: {"aws:SourceArn": {Ref: "News"}}}
files:
  "/var/app/app.config":
    mode: "000444"
    owner: "apache"
    group: "apache"
    content: |
      TABLE = '`{ "Ref" : "People"}`'
option_settings:
  "aws:elasticbeanstalk:customoption":
     "AlarmMail" : "nobody@example.com"
  "aws:elasticbeanstalk:application:environment":
    "NEWS": '`{"Ref" : "News"}`'
"""
# Tables of a game: several with names of their own, and indexes by other keys; billed either way.
TABLES = """
Resources:
  Games:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: game
      AttributeDefinitions:
        - {AttributeName: "id", AttributeType: "S"}
        - {AttributeName: "session", AttributeType: "S"}
        - {AttributeName: "at", AttributeType: "N"}
      KeySchema:
        - {AttributeName: "id", KeyType: "HASH"}
      GlobalSecondaryIndexes:
        - IndexName: "session-index"
          KeySchema: [{AttributeName: "session", KeyType: "HASH"}]
          ProvisionedThroughput: {ReadCapacityUnits: 2, WriteCapacityUnits: 2}
          Projection: { ProjectionType: ALL }
        - IndexName: "session-at"
          KeySchema:
            - {AttributeName: "session", KeyType: "HASH"}
            - {AttributeName: "at", KeyType: "RANGE"}
          ProvisionedThroughput: {ReadCapacityUnits: 2, WriteCapacityUnits: 2}
          Projection: { ProjectionType: KEYS_ONLY }
      ProvisionedThroughput: {ReadCapacityUnits: 2, WriteCapacityUnits: 2}
  Moves:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - {AttributeName: "game", AttributeType: "S"}
        - {AttributeName: "number", AttributeType: "N"}
      KeySchema:
        - {AttributeName: "game", KeyType: "HASH"}
        - {AttributeName: "number", KeyType: "RANGE"}
      StreamSpecification: {StreamViewType: NEW_IMAGE}
      PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
"""
# Sessions in a table whose names and sizes are options, and alarms on it that mail somebody.
ALARMS = """
option_settings:
  "aws:elasticbeanstalk:customoption":
     SessionHashKeyName: username
     SessionReadCapacityUnits: 1
     Mail: "nobody@example.com"
     Subnets: [subnet-1, subnet-2]
Resources:
  Sessions:
    Type: AWS::DynamoDB::Table
    Properties:
      KeySchema:
        HashKeyElement:
          AttributeName: {"Fn::GetOptionSetting": {OptionName: SessionHashKeyName}}
          AttributeType: {"Fn::GetOptionSetting": {OptionName: KeyType, DefaultValue: "S"}}
      ProvisionedThroughput:
        ReadCapacityUnits:
          Fn::GetOptionSetting: {OptionName: SessionReadCapacityUnits, DefaultValue: 10}
        WriteCapacityUnits: {"Fn::GetOptionSetting": {OptionName: Writes, DefaultValue: 1}}
  Alarms:
    Type: AWS::SNS::Topic
    Properties:
      Subscription:
        - {Endpoint: {"Fn::GetOptionSetting": {OptionName: Mail}}, Protocol: email}
        - {Endpoint: "+123456789", Protocol: sms}
  TooMuch:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmDescription: {"Fn::Join": ["", [{Ref: "AWSEBEnvironmentName"}, " reads a lot"]]}
      Namespace: "AWS/DynamoDB"
      MetricName: ConsumedReadCapacityUnits
      Dimensions: [{Name: TableName, Value: {Ref: Sessions}}]
      Statistic: Sum
      Period: 300
      EvaluationPeriods: 12
      Threshold: 240
      ComparisonOperator: GreaterThanThreshold
      AlarmActions: [{Ref: Alarms}]
      InsufficientDataActions: [{Ref: Alarms}]
"""
# A cache, a database, files for all: not built here. The environment comes up without.
UNBUILT = """
Resources:
  Cache:
    Type: AWS::ElastiCache::CacheCluster
    Properties:
      CacheNodeType: {"Fn::GetOptionSetting": {OptionName: Node, DefaultValue: cache.t2.micro}}
      NumCacheNodes: 1
      Engine: redis
      VpcSecurityGroupIds: [{"Fn::GetAtt": [CacheGroup, GroupId]}]
  CacheGroup:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: "Lock the cache down to web servers"
      SecurityGroupIngress:
        - {IpProtocol: tcp, FromPort: 6379, ToPort: 6379, SourceSecurityGroupName: {Ref: AWSEBSecurityGroup}}
  Database:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Snapshot
    Properties: {AllocatedStorage: "5", DBInstanceClass: db.t3.micro, Engine: mysql}
  Shared: {Type: "AWS::EFS::FileSystem", Properties: {FileSystemTags: [{Key: Name, Value: shared}]}}
  Mount:
    Type: AWS::EFS::MountTarget
    Properties: {FileSystemId: {Ref: Shared}, SubnetId: subnet-1}
Outputs:
  Cache: {Value: {Ref: Cache}}
"""  # noqa: E501 - as people write it
# What AWS wants said of rights, ports, names, events and logs.
AROUND = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: [ec2.amazonaws.com]}, Action: ["sts:AssumeRole"]}]
  Profile: {Type: "AWS::IAM::InstanceProfile", Properties: {Path: /, Roles: [{Ref: Role}]}}
  Rights:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: everything
      PolicyDocument: {Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}
      Roles: [{Ref: Role}]
  sslSecurityGroupIngress:
    Type: AWS::EC2::SecurityGroupIngress
    Properties:
      GroupId: {"Fn::GetAtt": ["AWSEBSecurityGroup", "GroupId"]}
      IpProtocol: tcp
      ToPort: 443
      FromPort: 443
      CidrIp: 0.0.0.0/0
  AWSEBAutoScalingGroup:
    Metadata:
      AWS::CloudFormation::Authentication:
        S3Auth: {type: s3, buckets: [mine], roleName: aws-elasticbeanstalk-ec2-role}
    Properties:
      HealthCheckType: ELB
      MetricsCollection: [{Granularity: 1Minute}]
      Cooldown: {"CmpFn::Remove": {}}
  Name:
    Type: AWS::Route53::RecordSet
    Properties: {HostedZoneName: example.com., Name: www.example.com., Type: CNAME, TTL: 60, ResourceRecords: [x]}
  Lines: {Type: "AWS::Logs::LogGroup", DeletionPolicy: Retain, Properties: {RetentionInDays: 14}}
  Often:
    Type: AWS::Events::Rule
    Properties: {ScheduleExpression: "rate(5 minutes)", Targets: [{Arn: {"Fn::GetAtt": [Function, Arn]}, Id: f}]}
  Function:
    Type: AWS::Lambda::Function
    Properties: {Handler: index.handler, Role: {"Fn::GetAtt": [Role, Arn]}, Code: {ZipFile: x}, Runtime: nodejs}
option_settings:
  aws:autoscaling:launchconfiguration:
    IamInstanceProfile: '`{"Ref": "Profile"}`'
    SSHSourceRestriction: tcp, 22, 22, 127.0.0.1/32
"""  # noqa: E501 - as people write it
# Queues in order, with dead letters; topics that are told of by a subscription of its own.
QUEUES = """
Parameters:
  Tries: {Type: Number, Default: 3}
Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      FifoQueue: true
      ContentBasedDeduplication: "true"
      VisibilityTimeout: {"Fn::GetOptionSetting": {OptionName: Visibility, DefaultValue: 30}}
      RedrivePolicy:
        deadLetterTargetArn: {"Fn::GetAtt": [Dead, Arn]}
        maxReceiveCount: {Ref: Tries}
  Dead: {Type: "AWS::SQS::Queue", Properties: {FifoQueue: true, MessageRetentionPeriod: 1209600}}
  News: {Type: "AWS::SNS::Topic", Properties: {FifoTopic: true, ContentBasedDeduplication: true}}
  Told:
    Type: AWS::SNS::Subscription
    Properties:
      TopicArn: {Ref: News}
      Protocol: sqs
      Endpoint: !GETATT
      RawMessageDelivery: true
""".replace("!GETATT", '{"Fn::GetAtt": [Jobs, Arn]}')
# A bucket that everybody may read, as a website that is not one here.
FILES = """
Resources:
  Files:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    Properties:
      AccessControl: PublicRead
      WebsiteConfiguration: {IndexDocument: index.html}
      CorsConfiguration: {CorsRules: [{AllowedMethods: [GET], AllowedOrigins: ["*"]}]}
      PublicAccessBlockConfiguration: {BlockPublicPolicy: false}
  Readable:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: {Ref: Files}
      PolicyDocument:
        Statement:
          - Sid: PublicReadGetObject
            Effect: Allow
            Principal: "*"
            Action: "s3:GetObject"
            Resource: {"Fn::Join": ["", ["arn:aws:s3:::", {Ref: Files}, "/*"]]}
"""
