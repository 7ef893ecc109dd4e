# Before a package is made of what was installed: its directories are everybody's to read, whatever the
# umask of who builds it. CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS is subject to that umask.
file(CHMOD_RECURSE ${CPACK_TEMPORARY_DIRECTORY} DIRECTORY_PERMISSIONS
     OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
