"""AWS protocols and signatures; knows nothing of Beanstalk.

    route       which service and operation a request is for
    sigv4       who signed it, and whether that is true; signing; presigned URLs
    models      the shapes of a service: botocore's model plus our overlay
    query, ec2, restxml, json, cbor    the protocols: read a request, write an answer
    protocols   the five of them behind one interface, whole responses included
    payload     what is checked while a body streams by; `chunked` takes `aws-chunked` apart

Everything here is sans-I/O: bytes and instants come in as arguments, and what is wrong with a
request is raised as `errors.WireFault`, never as anything else.
"""
