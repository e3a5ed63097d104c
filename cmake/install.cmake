# find_package(limpid) gives limpid::core, limpid::tls, limpid::stack, ...; the headers lie under include/limpid.
include(CMakePackageConfigHelpers)
install(EXPORT limpid NAMESPACE limpid:: DESTINATION lib/cmake/limpid FILE limpidConfig.cmake)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/limpidConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/limpidConfigVersion.cmake DESTINATION lib/cmake/limpid)
