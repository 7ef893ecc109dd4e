#pragma once

#include <sys/types.h>

#include <string>

namespace bench {

/// A bundle as podman makes one: config.json after the precreate hook, and a rootfs.
class Bundle {
 public:
  /// Makes directory (absent). template_file: config.json of podman; precreate: the program.
  Bundle(std::string directory, std::string source, const std::string& template_file,
         const std::string& precreate);
  const std::string& directory() const { return directory_; }
  const std::string& source() const { return source_; }
  std::string rootfs() const { return directory_ + "/rootfs"; }
  /// The document that crun gives to hooks. opted_in: with the annotation that says so.
  std::string state(const std::string& id, pid_t pid, bool opted_in) const;

 private:
  std::string directory_;
  std::string source_;
};

/// What a createRuntime hook finds, without an engine: a process in a mount namespace of its own,
/// where the rootfs is mounted with the source at /workspace. All of it ends with the object.
class Container {
 public:
  explicit Container(const Bundle& bundle);
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;
  ~Container();

  std::string state(bool opted_in) const { return bundle_.state(id_, pid_, opted_in); }
  /// Its workspace as the host sees it.
  std::string workspace() const;

 private:
  const Bundle& bundle_;
  std::string id_;
  pid_t pid_ = 0;
};

}  // namespace bench
