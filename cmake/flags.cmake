# The flags of every target, and the two kinds of library: pure and impure (ARCHITECTURE.md, "Purity").

add_library(limpid_common_flags INTERFACE)
target_include_directories(limpid_common_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(limpid_common_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  $<$<BOOL:${LIMPID_WERROR}>:-Werror>)
if(LIMPID_SANITIZE)
  target_compile_options(limpid_common_flags INTERFACE
    -fsanitize=${LIMPID_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g)
  target_link_options(limpid_common_flags INTERFACE -fsanitize=${LIMPID_SANITIZE})
endif()

# The fuzzing presets: clang 19's coverage for libFuzzer, or in the form that AFL++'s driver reads.
set(LIMPID_FUZZ "" CACHE STRING "Fuzzing engine that the build is for: libfuzzer or afl")
if(LIMPID_FUZZ STREQUAL "libfuzzer")
  target_compile_options(limpid_common_flags INTERFACE -fsanitize=fuzzer-no-link)
elseif(LIMPID_FUZZ STREQUAL "afl")
  target_compile_options(limpid_common_flags INTERFACE -fsanitize-coverage=trace-pc-guard,trace-cmp)
endif()

# One set of flags, so that the tool and the boot image can link byte-identical archives. No NDEBUG here either.
set(LIMPID_PURE_FLAGS ${LIMPID_OPTIMIZE} -fPIE -fstack-protector-strong -D_GLIBCXX_ASSERTIONS -U_FORTIFY_SOURCE
  -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections)
if(LIMPID_SANITIZE)
  list(REMOVE_ITEM LIMPID_PURE_FLAGS -fno-rtti -fno-asynchronous-unwind-tables)  # ubsan's vptr check, asan's stacks
else()
  list(APPEND LIMPID_PURE_FLAGS -include ${PROJECT_SOURCE_DIR}/limpid/core/brief_assertions.hpp)
endif()
# For what is not on the way of every segment, record or request, since what is large in the boot image is code.
set(LIMPID_COLD_FLAGS "")
if(LIMPID_OPTIMIZE STREQUAL "-O2")
  set(LIMPID_COLD_FLAGS -Os)
endif()

# limpid_library(NAME pure|impure DEPENDS...): all sources below limpid/NAME; target limpid_NAME, alias limpid::NAME.
function(limpid_library name kind)
  string(REPLACE "/" "_" target limpid_${name})
  string(REPLACE "/" "_" alias limpid::${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS
    ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.S)
  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:limpid_common_flags>)
    if(kind STREQUAL pure)
      target_compile_options(${target} PRIVATE ${LIMPID_PURE_FLAGS})
    else()
      target_compile_options(${target} PRIVATE -O2 -g1)
      target_compile_definitions(${target} PRIVATE _FORTIFY_SOURCE=2)
    endif()
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(${alias} ALIAS ${target})
  target_include_directories(${target} ${scope} $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:include>)
  target_link_libraries(${target} ${scope} ${ARGN})
  string(REPLACE "/" "_" exported ${name})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${exported})
  install(TARGETS ${target} EXPORT limpid)
  install(DIRECTORY ${name} DESTINATION include/limpid FILES_MATCHING PATTERN *.hpp)
endfunction()
