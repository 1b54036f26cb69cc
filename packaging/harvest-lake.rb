# Formula for a tap of Homebrew: builds from source, for macOS and Linux. At a release, set `url` and `sha256`.
class HarvestLake < Formula
  desc "Exact, queryable copy of a Harvest account as Delta tables"
  homepage "https://github.com/OWNER/harvest-lake"
  url "https://github.com/OWNER/harvest-lake/archive/refs/tags/v0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "Apache-2.0"

  depends_on "cmake" => :build
  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args(path: "functions/cli")
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/harvest-lake --version")
    assert_match "time_entries", shell_output("#{bin}/harvest-lake streams")
  end
end
