# Flags of every target. Asserts stay on in release: NDEBUG is never defined.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO}")

option(KAR_WERROR "warnings are errors" OFF)
set(KAR_SANITIZE "" CACHE STRING "address, thread or empty")
option(KAR_COVERAGE "gcov instrumentation" OFF)
option(KAR_POINTS "moments at which tests let kard die (base/point.h)" OFF)
if(KAR_POINTS AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    message(FATAL_ERROR "KAR_POINTS is for tests only: what is shipped has no such moments")
endif()

add_library(kar_flags INTERFACE)
target_compile_definitions(kar_flags INTERFACE _GNU_SOURCE KAR_VERSION="${PROJECT_VERSION}")
target_include_directories(kar_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(kar_flags INTERFACE
    -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings
    -Wformat=2 -Wno-missing-field-initializers
    -fstack-protector-strong -fno-strict-aliasing -fno-common -fvisibility=hidden
    -ffunction-sections -fdata-sections)
target_link_options(kar_flags INTERFACE -Wl,--gc-sections -Wl,-z,relro,-z,now -Wl,--as-needed)
if(KAR_WERROR)
    target_compile_options(kar_flags INTERFACE -Werror)
endif()
if(KAR_SANITIZE STREQUAL "address")
    target_compile_options(kar_flags INTERFACE -fsanitize=address,undefined
        -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(kar_flags INTERFACE -fsanitize=address,undefined)
elseif(KAR_SANITIZE STREQUAL "thread")
    target_compile_options(kar_flags INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
    target_link_options(kar_flags INTERFACE -fsanitize=thread)
else()
    target_compile_options(kar_flags INTERFACE $<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=2>)
endif()
if(KAR_POINTS)
    target_compile_definitions(kar_flags INTERFACE KAR_POINTS)
endif()
if(KAR_FUZZ) # libFuzzer steers by what it sees of every room
    target_compile_options(kar_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(KAR_COVERAGE)
    target_compile_options(kar_flags INTERFACE --coverage)
    target_link_options(kar_flags INTERFACE --coverage)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported()
