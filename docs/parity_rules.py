"""Judgements of the page about parity that no table of the code stands behind: tests do."""

from __future__ import annotations

from dataclasses import dataclass

SAME, DIFFERENT, LEFT_OUT = "same", "different", "absent"
AGENT = "tests/agent"
MISTAKES = f"{AGENT}/test_mistakes.py"
COMMANDS = f"{AGENT}/extensions/test_commands.py"
RULES = f"{AGENT}/test_platform_rules.py"


@dataclass(frozen=True)
class Rule:
    """`tests` are those that show it: file::function."""

    thing: str
    verdict: str
    note: str = ""
    tests: tuple[str, ...] = ()


# In the order in which they are known.
TWENTY = (
    Rule(
        "`commands`, `files`, `packages` run before the bundle is unpacked, in `/`",
        SAME,
        "",
        (f"{COMMANDS}::test_mistake_1_commands_run_before_the_bundle_is_unpacked",),
    ),
    Rule(
        "configuration deployments run `confighooks` only",
        SAME,
        "",
        (
            f"{COMMANDS}::test_mistake_2_configuration_deployments_skip_them",
            f"{MISTAKES}::test_mistake_2_configuration_deployments_run_confighooks_and_no_hooks",
        ),
    ),
    Rule(
        "a failed postdeploy hook does not go back; nginx is checked last",
        DIFFERENT,
        "nginx is checked before anything is stopped",
        (
            f"{MISTAKES}::test_mistake_3_a_failed_postdeploy_hook_does_not_go_back",
            f"{MISTAKES}::test_mistake_3_a_bad_nginx_file_is_found_before_the_old_release_is_touched",
        ),
    ),
    Rule(
        "order: keys of a file, files by name, commands by name within a file",
        SAME,
        "",
        (f"{COMMANDS}::test_mistake_4_order_is_by_file_and_then_by_name",),
    ),
    Rule(
        "`env` replaces, `test` is judged by its exit code, a list is one command",
        SAME,
        "of container commands `env` is added to the environment properties",
        (
            f"{COMMANDS}::test_mistake_5_env_replaces_the_environment",
            f"{COMMANDS}::test_mistake_5_test_is_judged_by_its_exit_code",
            f"{COMMANDS}::test_mistake_5_a_list_is_one_command",
        ),
    ),
    Rule(
        "`files` leave `.bak` beside the original",
        SAME,
        "cron passes them over",
        (
            f"{AGENT}/extensions/test_files.py::test_mistake_6_files_leave_a_bak_beside_the_original",
        ),
    ),
    Rule(
        "`PORT` is told to Node.js, not to Go and Java; a property `PORT` moves nginx as well",
        SAME,
        "an application that listens elsewhere is found there",
        (
            f"{MISTAKES}::test_mistake_7_port_is_told_to_node_and_not_to_go",
            f"{MISTAKES}::test_mistake_7_property_port_moves_the_proxy_too",
            f"{MISTAKES}::test_mistake_7_an_application_may_have_chosen_its_port_itself",
        ),
    ),
    Rule(
        "Compose has no nginx and its own `.env`",
        LEFT_OUT,
        "Docker's platforms cannot be launched yet, which is said; a bundle's `.env` stays",
        (f"{MISTAKES}::test_mistake_8_a_bundles_env_file_is_left_alone",),
    ),
    Rule(
        "a worker's success is exactly 200, through nginx on port 80",
        SAME,
        "",
        ("tests/sqsd/test_posting.py::test_every_status_but_200_is_a_failure",),
    ),
    Rule(
        "periodic tasks are messages with three `beanstalk.sqsd.` attributes",
        SAME,
        "",
        (
            "tests/services/periodic/test_scheduler.py"
            "::test_the_message_is_the_one_that_awss_daemon_sends",
        ),
    ),
    Rule(
        "`option_settings` of files rank below those of the API and go with the file",
        SAME,
        "",
        (
            "tests/control/test_extensions.py"
            "::test_mistake_11_values_from_files_rank_below_and_vanish_with_the_file",
        ),
    ),
    Rule(
        "`node_modules`, `vendor`: nothing is installed; `requirements.txt` before Pipfile; the "
        "virtual environment persists",
        DIFFERENT,
        "each release has an environment of its own, so removed requirements are gone",
        (
            f"{MISTAKES}::test_mistake_12_node_modules_in_the_bundle_mean_no_installation",
            f"{MISTAKES}::test_mistake_12_vendor_in_the_bundle_means_no_composer",
            f"{AGENT}/test_requirements.py::test_mistake_12_reads_pipenvs_files_after_requirements",
        ),
    ),
    Rule(
        "hooks: root, made executable, by name, in staging and then in current",
        SAME,
        "",
        (f"{MISTAKES}::test_mistake_13_hooks_run_by_name_in_staging_and_then_in_current",),
    ),
    Rule(
        "`.ebextensions` is gone before predeploy, `.platform` stays",
        SAME,
        "",
        (
            f"{COMMANDS}::test_mistake_14_ebextensions_are_gone_before_predeploy",
            f"{MISTAKES}"
            "::test_mistake_14_extensions_are_gone_before_predeploy_and_platform_files_stay",
        ),
    ),
    Rule(
        "`conf.d` is nginx's http context, `conf.d/elasticbeanstalk` the server's; names override",
        SAME,
        "",
        (f"{MISTAKES}::test_mistake_15_nginx_files_are_in_their_contexts_and_replace_by_name",),
    ),
    Rule(
        "healthd's log: double quotes between fields, hourly files",
        SAME,
        "of nginx; there is no Apache",
        (f"{MISTAKES}::test_mistake_16_health_log_separators_are_quotes_and_files_are_hourly",),
    ),
    Rule(
        "values in YAML are texts (`true`, `0644`, `22:22`)",
        SAME,
        "",
        ("tests/sources/test_instance_keys.py::test_mistake_17_scalars_become_texts",),
    ),
    Rule(
        "Tomcat gets system properties; one WAR is always the root",
        SAME,
        "properties are variables too",
        (
            "tests/e2e/test_platforms.py::test_the_sample_serves_and_a_broken_version_says_why",
            f"{RULES}::test_mistake_18_one_war_is_the_root_whatever_its_name",
        ),
    ),
    Rule(
        "`leader_only` never runs on scaling out",
        SAME,
        "",
        (
            f"{COMMANDS}::test_mistake_19_leader_only_is_for_the_leader_and_comes_first",
            "tests/e2e/test_extensions.py::test_django_migrates_once",
        ),
    ),
    Rule(
        "redirects to HTTPS on instances must exempt the load balancer's checks",
        SAME,
        "checks come as `ELB-HealthChecker/2.0`",
        (f"{MISTAKES}::test_mistake_20_redirects_can_exempt_the_health_checker",),
    ),
)

OTHERS = (
    Rule("lines of Procfiles and commands are run by bash", SAME),
    Rule("`/var/app/{staging,current}`, `/var/app/venv/staging-LQM1lest`, `/var/pids`", SAME),
    Rule("`/opt/elasticbeanstalk/deployment/{app_source_bundle,env}`, `bin`, `tasks`", SAME),
    Rule("`/etc/systemd/system/web.service`", LEFT_OUT, "processes are the agent's, not systemd's"),
    Rule("accounts `webapp`, `nginx`, `apache`, `ec2-user`", SAME, "in root mode"),
    Rule(
        "processes are started again for ever",
        SAME,
        "after three exits in a row they count as down",
    ),
    Rule("several processes of a Procfile; the first one, `web`, is behind nginx", SAME),
    Rule(
        "environment properties", SAME, "without the limit of 4,096 bytes, and with several lines"
    ),
    Rule("`RDS_*` of a database", SAME, "where the environment has one"),
    Rule(
        "programs and packages of Amazon Linux",
        DIFFERENT,
        "they are the machine's: Debian's, Ubuntu's, Fedora's ...",
    ),
    Rule(
        "the metadata service and keys of the instance's role",
        SAME,
        "[in root mode](aws-on-instances.md)",
    ),
    Rule("Apache as the proxy", LEFT_OUT, "nginx serves, with a warning"),
    Rule(
        "Puma on `/var/run/puma/my_app.sock`", DIFFERENT, "it is on a port; a socket is found too"
    ),
    Rule(
        "a full disk, a fork bomb, too much memory",
        SAME,
        "they hurt one instance, in [root mode](engine-modes.md)",
    ),
)

LOGS = (
    Rule("tail and bundle; `taillogs.d`, `bundlelogs.d`", SAME),
    Rule("`eb-engine.log`, `eb-hooks.log`, `cfn-init.log`, `web.stdout.log`, nginx's", SAME),
    Rule("`/var/log/deployments`", SAME, "the last 50 lines of a failed step are in the event too"),
    Rule(
        "rotation; `/etc/logrotate.elasticbeanstalk.hourly`",
        DIFFERENT,
        "by size, looked after every 20 seconds; of rules, paths, `size` and `rotate` count",
    ),
    Rule("`LogPublicationControl`, `publishlogs.d`", SAME, "at once, not hourly; up to 5 GiB"),
    Rule(
        "streaming to log groups: names, retention, deletion with the environment",
        SAME,
        "each line once, through outages and rotation",
    ),
    Rule("health streaming", SAME, "a record for each change of status"),
    Rule(
        "the CloudWatch agent's own configuration",
        DIFFERENT,
        "its files go to groups of their paths, where `StreamLogs` is on",
    ),
    Rule(
        "logs of an instance that is gone",
        DIFFERENT,
        "their ends are kept for a week (`jb logs --gone`); AWS keeps those of failed updates",
    ),
)

ABSENT = (
    Rule("instances of Amazon Linux 1, AL1's hooks and paths", LEFT_OUT, "warned of by name"),
    Rule("Windows", LEFT_OUT, "its keys and commands are refused"),
    Rule("Docker, Compose, ECS", LEFT_OUT, "can be listed, not launched"),
    Rule("custom platforms (`platform.yaml`)", LEFT_OUT),
    Rule("X-Ray", LEFT_OUT),
    Rule("SSH into an instance, `eb ssh`", LEFT_OUT, "logs and `get-config` are there"),
    Rule("mounting disks and network file systems", LEFT_OUT, "refused by name"),
    Rule("ASP.NET Core and .NET 9, 10 where the machine has none", LEFT_OUT,
         "an event names the package that brings them; self-contained applications run"),
)  # fmt: skip
