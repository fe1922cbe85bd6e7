#!/bin/sh
# Needs a JDK on the machine: the runtime that comes with the platform has no compiler.
set -e
mkdir -p classes
javac -d classes src/Hello.java
printf 'Main-Class: Hello\n' > manifest.txt
(cd classes && jar -c -f ../application.jar -m ../manifest.txt .)
rm -r classes manifest.txt
