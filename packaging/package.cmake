# The .deb: cpack -G DEB in the build directory.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME oci-cnb-hooks)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_VERBATIM_VARIABLES ON)

# The files name programs by their installed path, so that has to be known: DESTDIR, not a prefix
# in the staging directory.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_PACKAGE_CONTACT "oci-cnb-hooks maintainers <oci-cnb-hooks@users.noreply.github.com>")
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS OFF)  # the programs are static
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "podman | crun | runc")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "uidmap")
set(CPACK_DEBIAN_PACKAGE_HOMEPAGE ${PROJECT_HOMEPAGE_URL})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "OCI hooks that give containers a filtered, writable source tree")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"A container that opts in by an annotation finds the source that is mounted at
/workspace as an overlay: what .dockerignore excludes is not there, what the
container writes never reaches the source. It also gets the directories, the
environment and the working directory of Cloud Native Buildpacks, or isn't
started. Other containers are left alone.
.
The package has hooks for podman and for any runtime that reads hooks.d, and
the command oci-cnb.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${CMAKE_CURRENT_SOURCE_DIR}/debian/conffiles
    ${CMAKE_CURRENT_SOURCE_DIR}/debian/prerm
    ${CMAKE_CURRENT_SOURCE_DIR}/debian/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
