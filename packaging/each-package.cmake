# What differs from package to package; cpack reads it once for each.

# cpack packs what this lists: build directory, project, component, directory.
set(project "${CPACK_INSTALL_CMAKE_PROJECTS}")
list(GET project 0 build_dir)
macro(pack)
  set(CPACK_INSTALL_CMAKE_PROJECTS)
  foreach(component ${ARGN})
    list(APPEND CPACK_INSTALL_CMAKE_PROJECTS ${build_dir} oci-cnb-hooks ${component} /)
  endforeach()
endmacro()

if(CPACK_GENERATOR STREQUAL "External")
  # Where administrators put what no package manager knows.
  set(prefix /usr/local)
  pack(Unspecified elsewhere tarball)
elseif(CPACK_GENERATOR STREQUAL "RPM")
  set(prefix /usr)
  pack(Unspecified elsewhere)
else()
  set(prefix /usr)
  pack(Unspecified debian)
endif()
set(CPACK_INSTALL_PREFIX ${prefix})
set(CPACK_PACKAGING_INSTALL_PREFIX ${prefix})

# Times in the packages are those of the release, so that whoever builds it gets the same bytes.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
  file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/debian/changelog signature LIMIT_COUNT 1 REGEX "^ -- ")
  string(REGEX REPLACE "^.*>  " "" released "${signature}")
  execute_process(COMMAND date "--date=${released}" +%s OUTPUT_VARIABLE released
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(ENV{SOURCE_DATE_EPOCH} ${released})
endif()
