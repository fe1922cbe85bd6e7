"""A sign-up reaches table and queue: bundles that bring all they need, by SDKs that nobody told.

`.ebextensions` make table, topic, queue and policy, and write the settings file; endpoint, region
and keys are found by the SDK.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.installation import Installation, bundle, installed, option, until

pytestmark = pytest.mark.e2e

SAMPLES = Path(__file__).parents[3] / "samples"


def sample(name: str, **changed: str) -> bytes:
    """Return the bundle of a sample; `changed` replaces files, "__" stands for a dot."""
    root = SAMPLES / name
    files = {str(p.relative_to(root)): p.read_text() for p in root.rglob("*") if p.is_file()}
    return bundle({**files, **{name.replace("__", "."): text for name, text in changed.items()}})


@pytest.fixture(scope="module")
def one() -> Iterator[Installation]:
    with installed() as installation:
        yield installation


def launched(one: Installation, name: str, content: bytes, platform: str) -> dict[str, Any]:
    """Return the description of a single instance that runs a bundle."""
    eb = one.client()
    stacks = eb.list_available_solution_stacks()["SolutionStacks"]
    one.version(name, content)
    eb.create_environment(
        ApplicationName=one.application,
        EnvironmentName=name,
        VersionLabel=name,
        SolutionStackName=next(stack for stack in stacks if platform in stack),
        OptionSettings=[
            option("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance"),
            option("aws:elasticbeanstalk:application:environment", "THEME", "dark"),
        ],
    )
    return one.rest(name)


def sign_up(environment: dict[str, Any], **form: str) -> tuple[int, str]:
    body = urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(f"http://{environment['EndpointURL']}/signup", body)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def queues(one: Installation) -> list[str]:
    found: list[str] = one.client("sqs").list_queues().get("QueueUrls", [])
    return [url for url in found if "SignupQueue" in url]


def heard(one: Installation, queue: str) -> Any:
    got = one.client("sqs").receive_message(QueueUrl=queue).get("Messages")
    return json.loads(got[0]["Body"]) if got else None


def lands(one: Installation, name: str, content: bytes, platform: str) -> None:
    """Launch a bundle, sign up, look into table and queue, and see all of it end."""
    environment = launched(one, name, content, platform)
    tables = one.client("dynamodb")
    assert "The theme is dark." in one.get(environment)
    status, text = sign_up(environment, email="ada@example.com", name="Ada <L>")
    assert (status, "Thank you." in text) == (201, True), text
    assert sign_up(environment, email="ada@example.com")[0] == 409
    assert sign_up(environment)[0] == 400
    (table,) = tables.list_tables()["TableNames"]
    (item,) = tables.scan(TableName=table)["Items"]
    assert item == {"email": {"S": "ada@example.com"}, "name": {"S": "Ada <L>"}}
    (queue,) = queues(one)
    told = until(lambda: heard(one, queue), 10, "the queue hears of it")
    assert (told["Subject"], json.loads(told["Message"])["email"]) == (
        "A sign-up",
        "ada@example.com",
    )
    rate = tables.describe_table(TableName=table)["Table"]["ProvisionedThroughput"]
    assert (rate["ReadCapacityUnits"], rate["WriteCapacityUnits"]) == (2, 1)
    one.terminate(name)
    assert (tables.list_tables()["TableNames"], queues(one)) == ([], [])


def test_from_python(one: Installation) -> None:
    lands(one, "signup-python", sample("signup-python"), "Python")


def test_from_an_sdk_that_knows_no_endpoint(one: Installation) -> None:
    """boto3 of 2021 asks AWS's own names, which lead here on instances with their own network."""
    content = sample("signup-python", requirements__txt="boto3==1.20.54\ngunicorn\n")
    lands(one, "signup-older", content, "Python 3.11")


@pytest.mark.slow
def test_from_node(one: Installation) -> None:
    """The packages come from npm's registry."""
    lands(one, "signup-nodejs", sample("signup-nodejs"), "Node.js")


# The same in version 2 of the SDK, in the way of AWS's own sample: it knows no endpoint, and says
# what it expects of an item as one did before expressions.
OLDER_NODE = """
const fs = require("fs"), http = require("http"), AWS = require("aws-sdk");
const settings = JSON.parse(fs.readFileSync("/etc/signup.json"));
AWS.config.region = settings.region;
const tables = new AWS.DynamoDB(), topics = new AWS.SNS();
async function answer(request, body) {
  if (request.method !== "POST") return [200, `The theme is ${settings.theme}.`];
  const form = new URLSearchParams(body), email = form.get("email"), name = form.get("name");
  if (!email) return [400, ""];
  try {
    await tables.putItem({
      TableName: settings.table,
      Item: { email: { S: email }, name: { S: name || "-" } },
      Expected: { email: { Exists: false } },
    }).promise();
  } catch (error) {
    if (error.code === "ConditionalCheckFailedException") return [409, ""];
    throw error;
  }
  await topics.publish({
    TopicArn: settings.topic, Subject: "A sign-up", Message: JSON.stringify({ email }),
  }).promise();
  return [201, "Thank you."];
}
http.createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => { body += chunk; });
  request.on("end", () => answer(request, body)
    .catch((error) => [500, String(error)])
    .then(([status, text]) => { response.writeHead(status); response.end(text); }));
}).listen(process.env.PORT);
"""


def older_node() -> bytes:
    package = {
        "name": "signup",
        "scripts": {"start": "node server.js"},
        "dependencies": {"aws-sdk": "2.1000.0"},
    }
    return sample("signup-nodejs", server__js=OLDER_NODE, package__json=json.dumps(package))


@pytest.mark.slow
def test_from_an_older_node_sdk(one: Installation) -> None:
    lands(one, "signup-older-node", older_node(), "Node.js")


# Asks a name of AWS's, as SDKs for Java did before 2023: by TLS, trusting what Java trusts.
JAVA = """
import com.sun.net.httpserver.*;
import java.net.*;
public class Main {
  public static void main(String[] arguments) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress(5000), 0);
    server.createContext("/", exchange -> {
      byte[] told = asked().getBytes();
      exchange.sendResponseHeaders(200, told.length);
      exchange.getResponseBody().write(told);
      exchange.close();
    });
    server.start();
  }
  static String asked() {
    try {
      URL url = new URL("https://dynamodb.eu-west-1.amazonaws.com/");
      HttpURLConnection connection = (HttpURLConnection) url.openConnection();
      connection.setRequestProperty("X-Amz-Target", "DynamoDB_20120810.ListTables");
      connection.getResponseCode();
      return new String(connection.getErrorStream().readAllBytes());
    } catch (Exception error) {
      return error.toString();
    }
  }
}
"""


@pytest.mark.slow
def test_java_trusts_who_answers_to_awss_names(one: Installation) -> None:
    if os.geteuid() != 0:
        pytest.skip("AWS's names lead here in root mode only")
    content = bundle({"Main.java": JAVA, "Procfile": "web: java Main.java\n"})
    told = one.get(launched(one, "trusting", content, "Corretto 17"))
    assert "MissingAuthenticationTokenException" in told
    one.terminate("trusting")


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Installation]:
    """Where instances have the machine's network, and AWS's names lead to AWS.

    In plain mode they do too, and no file of a bundle is at the place that it names.
    """
    with installed("user") as installation:
        yield installation


@pytest.mark.slow
@pytest.mark.parametrize("version", [">=1.40", "==1.20.54", "==1.26.165"])
def test_from_python_on_the_machines_network(elsewhere: Installation, version: str) -> None:
    """SDKs find the endpoint in a variable, in a table of hosts, or by a service's rules."""
    content = sample("signup-python", requirements__txt=f"boto3{version}\ngunicorn\n")
    name = "signup-" + "".join(filter(str.isdigit, version))
    lands(elsewhere, name, content, "Python 3.11")


@pytest.mark.slow
def test_from_an_older_node_sdk_on_the_machines_network(elsewhere: Installation) -> None:
    lands(elsewhere, "signup-older-node", older_node(), "Node.js")
