# Makes the tarball of what cpack has installed below CPACK_TEMPORARY_DIRECTORY: the same bytes from the
# same files.
set(name ${CPACK_PACKAGE_NAME}-${CPACK_PACKAGE_VERSION}-linux-${CPACK_TARBALL_MACHINE})
set(tarball ${CPACK_PACKAGE_DIRECTORY}/${name}.tar.gz)
execute_process(
  COMMAND tar --create --sort=name --owner=0 --group=0 --numeric-owner
          --mtime=@$ENV{SOURCE_DATE_EPOCH} "--transform=s,^\\.,${name},S" --file=- .
  COMMAND gzip -9n
  WORKING_DIRECTORY ${CPACK_TEMPORARY_DIRECTORY}
  OUTPUT_FILE ${tarball}
  COMMAND_ERROR_IS_FATAL ANY)
set(CPACK_EXTERNAL_BUILT_PACKAGES ${tarball})
