# The last step of `cmake --install`: configuration, and the files that make engines call the hooks.
# They name the programs by the absolute path at which they are installed, without DESTDIR.

# Below /usr and /opt the configuration is the system's; anywhere else the tree is one of its own,
# which engines are pointed at by hand.
if(CMAKE_INSTALL_PREFIX MATCHES "^/(usr|opt)(/|$)")
  set(etc /etc)
else()
  set(etc ${CMAKE_INSTALL_PREFIX}/etc)
endif()
set(libexec ${CMAKE_INSTALL_PREFIX}/${libexec_dir})
set(hooks_dir ${CMAKE_INSTALL_PREFIX}/${shared_data_dir}/containers/oci/hooks.d)
set(podman_hooks_dir ${CMAKE_INSTALL_PREFIX}/${data_dir}/podman-hooks.d)

# The directory that podman reads by default has to be named as well: hooks_dir replaces it.
set(default_hooks_dir /usr/share/containers/oci/hooks.d)
set(hooks_dirs "\"${default_hooks_dir}\"")
if(NOT hooks_dir STREQUAL default_hooks_dir)
  string(APPEND hooks_dirs ", \"${hooks_dir}\"")
endif()
string(APPEND hooks_dirs ", \"${podman_hooks_dir}\"")

# A macro: file(INSTALL) writes into the list of installed files of the caller, for the manifest.
macro(generate template directory name)
  configure_file(${templates}/${template} ${work_dir}/${name} @ONLY)
  file(INSTALL ${work_dir}/${name} DESTINATION ${directory}
       PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endmacro()

# The administrator's from the first installation on.
if(NOT EXISTS $ENV{DESTDIR}${etc}/oci-cnb-hooks/config.toml)
  generate(config/config.toml ${etc}/oci-cnb-hooks config.toml)
endif()
generate(systemd/oci-cnb-nri.service.in ${CMAKE_INSTALL_PREFIX}/lib/systemd/system
         oci-cnb-nri.service)
generate(hooks.d/prestart.json.in ${CMAKE_INSTALL_PREFIX}/${data_dir}
         90-oci-cnb-prestart.json.example)
generate(hooks.d/poststop.json.in ${hooks_dir} 90-oci-cnb-poststop.json)
generate(hooks.d/createruntime.json.in ${hooks_dir} 90-oci-cnb-createruntime.json)
generate(hooks.d/precreate.json.in ${podman_hooks_dir} 90-oci-cnb-precreate.json)
generate(podman/containers.conf.in ${etc}/containers/containers.conf.d 50-oci-cnb-hooks.conf)

if(NOT etc STREQUAL /etc)
  message(STATUS "No engine reads this prefix by itself. Use it with\n"
    "   podman --hooks-dir ${hooks_dir} --hooks-dir ${podman_hooks_dir} run ...")
endif()
