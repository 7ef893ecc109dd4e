# The packages: `cpack` in the build directory makes all; -G DEB, RPM, or External, the tarball, one.
set(CPACK_GENERATOR DEB RPM External)
set(CPACK_PACKAGE_NAME oci-cnb-hooks)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_SOURCE_DIR}/each-package.cmake)
set(CPACK_VERBATIM_VARIABLES ON)

# The files name programs by their installed path, so that has to be known: DESTDIR, not a prefix
# in the staging directory.
set(CPACK_SET_DESTDIR ON)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_SOURCE_DIR}/directory-modes.cmake)

set(CPACK_PACKAGE_CONTACT "oci-cnb-hooks maintainers <oci-cnb-hooks@users.noreply.github.com>")
set(CPACK_PACKAGE_VENDOR "oci-cnb-hooks")
set(CPACK_PACKAGE_HOMEPAGE_URL ${PROJECT_HOMEPAGE_URL})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "OCI hooks that give containers a filtered, writable source tree")
set(description
"A container that opts in by an annotation finds the source that is mounted at
/workspace as an overlay: what .dockerignore excludes is not there, what the
container writes never reaches the source. It also gets the directories, the
environment and the working directory of Cloud Native Buildpacks, or isn't
started. Other containers are left alone.
")

set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS OFF)  # the programs are static
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "podman | crun | runc")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "uidmap, fuse-overlayfs")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "${description}.
The package has hooks for podman and for any runtime that reads hooks.d, and
the command oci-cnb.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${CMAKE_CURRENT_SOURCE_DIR}/debian/conffiles
    ${CMAKE_CURRENT_SOURCE_DIR}/debian/prerm
    ${CMAKE_CURRENT_SOURCE_DIR}/debian/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_RPM_PACKAGE_RELEASE 1)
set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_LICENSE Apache-2.0)
set(CPACK_RPM_PACKAGE_GROUP "System/Base")
set(CPACK_RPM_PACKAGE_AUTOREQPROV OFF)  # the programs are static
set(CPACK_RPM_PACKAGE_DESCRIPTION "${description}")
set(CPACK_RPM_PRE_UNINSTALL_SCRIPT_FILE ${CMAKE_CURRENT_SOURCE_DIR}/rpm/preun)
set(CPACK_RPM_USER_FILELIST
    "%config(noreplace) /etc/oci-cnb-hooks/config.toml"
    "%config(noreplace) /etc/containers/containers.conf.d/50-oci-cnb-hooks.conf")
# Directories that belong to the system or to other packages.
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION
    /etc /etc/containers /etc/containers/containers.conf.d
    /usr/lib/systemd /usr/lib/systemd/system /usr/libexec
    /usr/share/bash-completion /usr/share/bash-completion/completions
    /usr/share/fish /usr/share/fish/vendor_completions.d
    /usr/share/zsh /usr/share/zsh/site-functions
    /usr/share/containers /usr/share/containers/oci /usr/share/containers/oci/hooks.d
    /usr/share/man /usr/share/man/man1 /usr/share/man/man5 /usr/share/man/man7 /usr/share/man/man8)
# One build, one digest. The programs are stripped and static: rpm has nothing to do to them.
set(CPACK_RPM_SPEC_MORE_DEFINE
"%define _buildhost localhost
%define use_source_date_epoch_as_buildtime 1
%define clamp_mtime_to_source_date_epoch 1
%define __os_install_post %{nil}
%define debug_package %{nil}
%define _build_id_links none")

# cpack's own TGZ packs files in the order in which the file system gives them.
set(CPACK_TARBALL_MACHINE ${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_EXTERNAL_ENABLE_STAGING ON)
set(CPACK_EXTERNAL_PACKAGE_SCRIPT ${CMAKE_CURRENT_SOURCE_DIR}/tarball/pack.cmake)
include(CPack)
