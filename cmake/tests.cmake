# How tests are told to ctest. Labels say when one runs: `quick` in every run, `long` in the plain one, `huge` by name only.
# A skip is exit status 77 with a line `skipped: reason`; tests/support/summary.py counts and names them.

# limpid_add_test(NAME name COMMAND ... [LABEL quick|long|huge] [TIMEOUT seconds])
function(limpid_add_test)
  cmake_parse_arguments(test "" "NAME;LABEL;TIMEOUT" "COMMAND" ${ARGN})
  if(NOT test_LABEL)
    set(test_LABEL quick)
  endif()
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 120)
  endif()
  string(REPLACE "/" "." result ${test_NAME})
  add_test(NAME ${test_NAME} COMMAND ${test_COMMAND} WORKING_DIRECTORY ${PROJECT_BINARY_DIR})
  set_tests_properties(${test_NAME} PROPERTIES
    LABELS ${test_LABEL}
    TIMEOUT ${test_TIMEOUT}
    COST ${test_TIMEOUT}  # what may take long starts first
    SKIP_RETURN_CODE 77
    ENVIRONMENT "LIMPID_SOURCE_DIR=${PROJECT_SOURCE_DIR};LIMPID_BUILD_DIR=${PROJECT_BINARY_DIR};GTEST_OUTPUT=xml:${PROJECT_BINARY_DIR}/results/gtest-${result}.xml")
endfunction()

# limpid_gtest_program(PROGRAM TEST LABEL LIBRARY SOURCES...)
function(limpid_gtest_program program test label library)
  add_executable(${program} ${ARGN} ${PROJECT_SOURCE_DIR}/tests/support/allocator.cpp)
  target_link_libraries(${program} PRIVATE limpid_common_flags ${library} limpid::sim GTest::gtest GTest::gtest_main)
  target_compile_options(${program} PRIVATE -O1 -g1 -Wno-shadow -Wno-conversion)
  target_compile_definitions(${program} PRIVATE LIMPID_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  limpid_add_test(NAME ${test} COMMAND ${program} LABEL ${label} TIMEOUT 300)
endfunction()

# Every FOLDER/**/*_test.{py,sh} is a test; its name begins with PREFIX. A line `# ctest: long 300` in it sets label and time limit in seconds.
function(limpid_script_tests folder prefix)
  file(GLOB_RECURSE scripts CONFIGURE_DEPENDS RELATIVE ${folder} ${folder}/*_test.py ${folder}/*_test.sh)
  foreach(script ${scripts})
    set(label quick)
    set(timeout 120)
    file(STRINGS ${folder}/${script} settings REGEX "^# ctest: ")
    if(settings MATCHES "^# ctest: ([a-z]+) ([0-9]+)$")
      set(label ${CMAKE_MATCH_1})
      set(timeout ${CMAKE_MATCH_2})
    endif()
    string(REGEX REPLACE "_test\\.(py|sh)$" "" name ${script})
    if(script MATCHES "py$")
      set(interpreter python3)
    else()
      set(interpreter bash)
    endif()
    limpid_add_test(NAME ${prefix}${name} COMMAND ${interpreter} ${folder}/${script} LABEL ${label} TIMEOUT ${timeout})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/${script})
  endforeach()
endfunction()
