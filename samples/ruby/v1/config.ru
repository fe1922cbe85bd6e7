require "sinatra/base"

class Hello < Sinatra::Base
  set :host_authorization, permitted_hosts: []

  get "/" do
    content_type "text/plain"
    "Hello from Sinatra #{Sinatra::VERSION[/\d+/]}, version 1\n"
  end
end

run Hello
