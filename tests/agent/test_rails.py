"""A Rails application on the gems of Debian: `apt install ruby-railties puma bundler`."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from tests.agent.control_plane import ControlPlane
from tests.agent.rig import Instance, bundle

RUBY = shutil.which("ruby3.1", path="/usr/bin")


def has_rails() -> bool:
    programs = all(shutil.which(name, path="/usr/bin") for name in ("bundle", "puma"))
    asking = (RUBY or "false", "-e", 'require "rails"; require "action_controller/railtie"')
    return programs and subprocess.run(asking, check=False, capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not has_rails(), reason="Rails is not on this machine")

GEMFILE = """\
source "https://rubygems.org"
gem "railties"
gem "puma"
"""
APPLICATION = """\
require "rails"
require "action_controller/railtie"
class PagesController < ActionController::Base
  def show
    render plain: "Rails #{Rails.version[/\\d+/]} in #{Rails.env}, #{File.exist?('tmp/migrated')}"
  end
end
class Small < Rails::Application
  config.root = __dir__ + "/.."
  config.eager_load = true
  config.hosts.clear
  config.secret_key_base = "of no use to anybody" * 4
  config.logger = Logger.new($stdout)
  routes.append { root to: "pages#show" }
end
"""
RAKEFILE = """\
require_relative "config/application"
Rails.application.load_tasks
namespace :db do
  desc "Bring the database up to date"
  task migrate: :environment do
    mkdir_p "tmp"
    touch "tmp/migrated"
  end
end
"""
FILES: dict[str, str | bytes] = {
    "Gemfile": GEMFILE,
    "config/application.rb": APPLICATION,
    "config.ru": (
        'require_relative "config/application"\nRails.application.initialize!\n'
        "run Rails.application\n"
    ),
    "config/environment.rb": (
        'require_relative "application"\n'
        "Rails.application.initialize! unless Rails.application.initialized?\n"
    ),
    "Rakefile": RAKEFILE,
    "public/robots.txt": "all",
}


@pytest.mark.parametrize("leads", [True, False])
def test_it_serves_and_migrates_where_it_leads(
    instance: Instance, plane: ControlPlane, *, leads: bool
) -> None:
    more = {"platform": "ruby", "platform_version": "3.1", "timeout_s": 90.0}
    manifest = instance.manifest(1, bundle(FILES), environment={"RAILS_ENV": "production"}, **more)
    plane.give("activate", manifest, 1, leader=leads)
    report = plane.wait(lambda r: r.serial == 1 and r.state in ("done", "failed"), 90)
    assert report.state == "done", (report.failure, instance.log())
    said = str(leads).lower()
    assert instance.get() == (200, f"Rails 6 in production, {said}")
    assert instance.get("/robots.txt") == (200, "all")
    assert ("Running rake db:migrate" in instance.log()) is leads
