# SPDX-License-Identifier: GPL-2.0-or-later
# The functions by which the folders declare their targets; compiler flags live here and nowhere else.

add_library(sekisho_flags INTERFACE)
target_include_directories(sekisho_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(sekisho_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
    -Werror $<$<CXX_COMPILER_ID:GNU>:-Wno-missing-field-initializers>
    $<$<CXX_COMPILER_ID:Clang>:-Wno-gnu-statement-expression-from-macro-expansion -Wno-missing-designated-field-initializers>
    $<$<CONFIG:Release>:-fstack-protector-strong -D_FORTIFY_SOURCE=3>)
if(SEKISHO_SANITIZE)
    target_compile_options(sekisho_flags INTERFACE -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer) # vptr needs type information, which policy/ and firmware/ are built without
    target_link_options(sekisho_flags INTERFACE -fsanitize=address,undefined)
endif()
if(SEKISHO_FUZZ)
    target_compile_options(sekisho_flags INTERFACE -O1 -fsanitize=fuzzer-no-link -D_GLIBCXX_ASSERTIONS)
endif()

# The shipped parts that handle errors as values only. Test programs are built with exceptions: CppUTest ends a failed test by throwing.
add_library(sekisho_no_exceptions INTERFACE)
target_compile_options(sekisho_no_exceptions INTERFACE -fno-exceptions -fno-rtti)

# The headers of the standard library that most files include, parsed once. In debug and fuzz builds they were a third of the time; the builds that are shipped go
# without, and so find a file that forgot to include one.
set(sekisho_standard_headers <algorithm> <array> <cstdint> <expected> <functional> <iterator> <map> <memory> <optional> <set> <span> <string> <string_view>
    <utility> <variant> <vector>)
if(CMAKE_BUILD_TYPE STREQUAL Debug)
    set(SEKISHO_PRECOMPILE ON)
    file(CONFIGURE OUTPUT precompiled.cpp CONTENT "")
    foreach(kind policy driver)
        add_library(sekisho_${kind}_headers OBJECT ${CMAKE_BINARY_DIR}/precompiled.cpp)
        target_link_libraries(sekisho_${kind}_headers PRIVATE sekisho_flags $<$<STREQUAL:${kind},policy>:sekisho_no_exceptions>)
        target_precompile_headers(sekisho_${kind}_headers PRIVATE ${sekisho_standard_headers})
        target_compile_options(sekisho_${kind}_headers PRIVATE -fpch-preprocess) # ccache asks for it
    endforeach()
endif()

# sekisho_precompiled(NAME KIND): a target with the flags of KIND (policy: without exceptions; driver: with them) uses the parsed headers, if there are any.
function(sekisho_precompiled name kind)
    if(SEKISHO_PRECOMPILE)
        target_precompile_headers(${name} REUSE_FROM sekisho_${kind}_headers)
        target_compile_options(${name} PRIVATE -fpch-preprocess)
    endif()
endfunction()

# sekisho_library(NAME SOURCES … LIBS …): a part of policy/ or firmware/.
function(sekisho_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC sekisho_flags ${ARG_LIBS} PRIVATE sekisho_no_exceptions)
    sekisho_precompiled(${name} policy)
endfunction()

# sekisho_driver(NAME SOURCES … LIBS … PACKAGES …): a part of drivers/; PACKAGES are pkg-config names, visible to this target alone.
function(sekisho_driver name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBS;PACKAGES" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC sekisho_flags ${ARG_LIBS})
    sekisho_precompiled(${name} driver)
    foreach(package ${ARG_PACKAGES})
        find_package(PkgConfig REQUIRED)
        pkg_check_modules(PC_${package} REQUIRED IMPORTED_TARGET ${package})
        target_link_libraries(${name} PRIVATE PkgConfig::PC_${package})
    endforeach()
endfunction()

# What all unit tests share: main() and the headers of the standard library, parsed once. A third of each test's compile time was theirs.
if(SEKISHO_TESTS)
    add_library(sekisho_test_main OBJECT EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/unit/main.cpp)
    target_link_libraries(sekisho_test_main PRIVATE sekisho_flags)
    target_precompile_headers(sekisho_test_main PRIVATE ${sekisho_standard_headers})
    target_compile_options(sekisho_test_main PRIVATE -fpch-preprocess $<$<CONFIG:Release>:-O0 -U_FORTIFY_SOURCE>) # ccache asks for the first
endif()

# sekisho_unit_test(NAME SOURCES … LIBS …): one small CppUTest program, run by CTest under the label unit.
function(sekisho_unit_test name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES} $<TARGET_OBJECTS:sekisho_test_main>)
    target_link_libraries(${name} PRIVATE sekisho_flags ${ARG_LIBS} CppUTest)
    target_precompile_headers(${name} REUSE_FROM sekisho_test_main)
    # what is tested is optimised; the tests themselves would only take longer to compile
    target_compile_options(${name} PRIVATE -fpch-preprocess $<$<CONFIG:Release>:-O0 -U_FORTIFY_SOURCE>)
    add_test(NAME unit.${name} COMMAND ${name} -v)
    set_tests_properties(unit.${name} PROPERTIES LABELS unit)
endfunction()
