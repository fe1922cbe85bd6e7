run ->(_) { [200, { "content-type" => "text/plain" }, ["Jackbean runs Ruby #{RUBY_VERSION}.\n"]] }
