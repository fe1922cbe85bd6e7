"""What of the machine an instance sees, and what is made up for it: an allow-list, as data.

Nothing that is not named here reaches an instance: not /etc/shadow, no home, no /var, no /run, no
socket of a daemon, no key.
"""

from __future__ import annotations

# Shown as they are, read-only, where the machine has them. They hold programs and public data.
USR = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec", "share", "include")
TOP = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")  # mostly links into /usr
SHARED = (
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/crypto-policies",
    "/etc/pki/ca-trust/extracted",
    "/etc/pki/java",
    "/etc/pki/tls/certs",
    "/etc/ssl/certs",
    "/usr/local/share/ca-certificates",
)

# Copied for each instance, which may change them; only what everybody may read. Patterns of /etc.
COPIED = (
    "ImageMagick-*",
    "R",
    "ant",
    "bash.bashrc",
    "bashrc",
    "debian_version",
    "default/locale",
    "default/useradd",
    "gai.conf",
    "host.conf",
    "inputrc",
    "java",
    "java-*",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "locale.alias",
    "locale.conf",
    "login.defs",
    "magic",
    "magic.mime",
    "maven",
    "mime.types",
    "networks",
    "os-release",
    "pam.d",
    "perl",
    "php",
    "profile",
    "protocols",
    "python3*",
    "redhat-release",
    "rpc",
    "security",
    "services",
    "shells",
    "skel",
    "ssl/openssl.cnf",
    "system-release",
    "terminfo",
    "timezone",
    "xattr.conf",
)
COPIED_BYTES_MAX = 1 << 20  # a larger file in /etc is not what these patterns mean

# (name, uid, gid, home, shell): the accounts that Elastic Beanstalk's instances have.
ACCOUNTS = (
    ("root", 0, 0, "/root", "/bin/bash"),
    ("daemon", 2, 2, "/sbin", "/sbin/nologin"),
    ("mail", 8, 8, "/var/spool/mail", "/sbin/nologin"),
    ("nobody", 65534, 65534, "/", "/sbin/nologin"),
    ("webapp", 900, 900, "/home/webapp", "/bin/bash"),
    ("nginx", 901, 901, "/var/lib/nginx", "/sbin/nologin"),
    ("apache", 902, 902, "/usr/share/httpd", "/sbin/nologin"),
    ("ec2-user", 1000, 1000, "/home/ec2-user", "/bin/bash"),
)
GROUPS = (("adm", 4), ("tty", 5), ("wheel", 10), ("users", 100), ("nogroup", 65533))
NSSWITCH = """\
passwd: files
group: files
shadow: files
hosts: files dns
networks: files
protocols: files
services: files
"""
SUDOERS = "root ALL=(ALL:ALL) NOPASSWD: ALL\nec2-user ALL=(ALL:ALL) NOPASSWD: ALL\n"
PRIVATE = ("shadow", "sudoers")  # files of /etc for root alone
# Where Amazon Linux has its certificates, for programs that spell the path.
CERTIFICATES = ("/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt")

# (path, mode, owner): made once in each instance's own file system.
DIRECTORIES = (
    ("/etc", 0o755, 0),
    ("/home", 0o755, 0),
    ("/home/webapp", 0o700, 900),
    ("/home/ec2-user", 0o700, 1000),
    ("/media", 0o755, 0),
    ("/mnt", 0o755, 0),
    ("/opt", 0o755, 0),
    ("/opt/elasticbeanstalk", 0o755, 0),
    ("/root", 0o700, 0),
    ("/srv", 0o755, 0),
    ("/tmp", 0o1777, 0),  # noqa: S108 - an instance's own
    ("/usr", 0o755, 0),
    ("/usr/local", 0o755, 0),
    ("/usr/local/bin", 0o755, 0),
    ("/usr/local/etc", 0o755, 0),
    ("/usr/local/include", 0o755, 0),
    ("/usr/local/lib", 0o755, 0),
    ("/usr/local/sbin", 0o755, 0),
    ("/usr/local/share", 0o755, 0),
    ("/var", 0o755, 0),
    ("/var/app", 0o755, 0),
    ("/var/cache", 0o755, 0),
    ("/var/lib", 0o755, 0),
    ("/var/lib/nginx", 0o755, 901),
    ("/var/log", 0o755, 0),
    ("/var/spool", 0o755, 0),
    ("/var/spool/mail", 0o1777, 0),
    ("/var/tmp", 0o1777, 0),  # noqa: S108 - an instance's own
    ("/var/www", 0o755, 0),
)
LINKS = (("/var/run", "/run"), ("/var/lock", "/run/lock"), ("/etc/mtab", "/proc/self/mounts"))
# Where something is mounted: checked before every start, for an instance may have put a link there.
MOUNTED = ("/dev", "/opt/jackbean", "/proc", "/run", "/sys")

# A kernel's files that its first user may change or read for the whole machine.
PROC_READ_ONLY = ("bus", "fs", "irq", "sys", "sysrq-trigger")
PROC_HIDDEN = (
    "acpi",
    "asound",
    "kcore",
    "keys",
    "latency_stats",
    "sched_debug",
    "scsi",
    "timer_list",
)
