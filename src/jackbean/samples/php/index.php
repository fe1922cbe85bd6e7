<?php
header("Content-Type: text/plain");
echo "Jackbean runs PHP ", PHP_VERSION, ".\n";
