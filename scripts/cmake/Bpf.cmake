# SPDX-License-Identifier: LGPL-2.1-or-later
# bpf_object(NAME SOURCE [DEFINE…]): a BPF object NAME.bpf.o;
# bpf_skeleton(NAME): the header NAME.skel.h that embeds it, through target NAME_skel.
find_program(BPF_CLANG NAMES clang REQUIRED)
find_program(BPF_STRIP NAMES llvm-strip REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)

# <asm/…> of the host: the BPF target has no include directory of its own
execute_process(COMMAND ${CMAKE_C_COMPILER} -print-multiarch
	OUTPUT_VARIABLE BPF_MULTIARCH OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)

if(CMAKE_C_BYTE_ORDER STREQUAL BIG_ENDIAN)
	set(BPF_TARGET bpfeb)
else()
	set(BPF_TARGET bpfel)
endif()

# v3: 32-bit jumps and atomics that return what they found (Linux 5.12)
set(BPF_FLAGS -target ${BPF_TARGET} -mcpu=v3 -O2 -g -Wall -Wextra -Werror
	-I/usr/include/${BPF_MULTIARCH})

function(bpf_object name source)
	set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
	add_custom_command(OUTPUT ${object}
		COMMAND ${BPF_CLANG} ${BPF_FLAGS} -I${CMAKE_SOURCE_DIR}/kern ${ARGN}
			-MD -MF ${object}.d -c ${source} -o ${object}
		# DWARF, of which BTF was made: nobody reads it
		COMMAND ${BPF_STRIP} -g ${object}
		DEPENDS ${source} DEPFILE ${object}.d
		COMMENT "Compiling BPF object ${name}.bpf.o" VERBATIM)
	add_custom_target(${name}_bpf DEPENDS ${object})
	set_target_properties(${name}_bpf PROPERTIES BPF_OBJECT ${object})
endfunction()

function(bpf_skeleton name)
	get_target_property(object ${name}_bpf BPF_OBJECT)
	set(header ${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h)
	add_custom_command(OUTPUT ${header}
		COMMAND sh -c "\"$1\" gen skeleton \"$2\" name \"$3\" > \"$4.tmp\" && mv \"$4.tmp\" \"$4\""
			gen ${BPFTOOL} ${object} ${name}_bpf ${header}
		DEPENDS ${name}_bpf ${object}
		COMMENT "Generating ${name}.skel.h" VERBATIM)
	add_custom_target(${name}_header DEPENDS ${header})
	add_library(${name}_skel INTERFACE)
	add_dependencies(${name}_skel ${name}_header)
	target_include_directories(${name}_skel SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR})
endfunction()
