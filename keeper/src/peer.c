// pyro-peer.node, a library for the daemon, has two functions that Node.js lacks. One returns the process and user at the other end of a
// unix socket. The other closes the daemon's inherited descriptors in the programs that it starts. It uses no C library, so it works with
// the one that Node.js was built for.
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// The part of Node-API that is needed. Its binary interface is stable, and no header of Node.js has to be installed.
typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef int napi_status;
typedef napi_value (*napi_callback)(napi_env env, napi_callback_info info);

napi_status napi_get_cb_info(napi_env, napi_callback_info, size_t *count, napi_value *arguments, napi_value *self, void **data);
napi_status napi_get_value_int32(napi_env, napi_value, int32_t *result);
napi_status napi_get_null(napi_env, napi_value *result);
napi_status napi_create_int64(napi_env, int64_t value, napi_value *result);
napi_status napi_create_array_with_length(napi_env, size_t length, napi_value *result);
napi_status napi_set_element(napi_env, napi_value array, uint32_t index, napi_value value);
napi_status napi_get_undefined(napi_env, napi_value *result);
napi_status napi_set_named_property(napi_env, napi_value object, const char *name, napi_value value);
napi_status napi_create_function(napi_env, const char *name, size_t length, napi_callback, void *data, napi_value *result);

#define EXPORT __attribute__((visibility("default")))

static napi_value null_of(napi_env env) {
    napi_value null = NULL;
    napi_get_null(env, &null);
    return null;
}

// The arguments: a descriptor. Returns [pid, uid, gid], or null when it is not a connected unix socket.
static napi_value peer_of(napi_env env, napi_callback_info info) {
    size_t count = 1;
    napi_value argument, array;
    int32_t descriptor;
    if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) || count < 1) return null_of(env);
    if (napi_get_value_int32(env, argument, &descriptor) || descriptor < 0) return null_of(env);
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) || length != sizeof peer) return null_of(env);
    // A socket that was never connected has no peer.
    if (peer.uid == (uid_t)-1) return null_of(env);
    const int64_t facts[] = {peer.pid, peer.uid, peer.gid};
    if (napi_create_array_with_length(env, 3, &array)) return null_of(env);
    for (uint32_t index = 0; index < 3; index++) {
        napi_value number;
        if (napi_create_int64(env, facts[index], &number) || napi_set_element(env, array, index, number)) return null_of(env);
    }
    return array;
}

// Kernels before 5.11 have no such call.
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1u << 2)
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#define MOST_DESCRIPTORS 65536

// Descriptors from 3 on are closed in every program that is started from now on, unless they are passed to it on purpose.
static napi_value seal_descriptors(napi_env env, napi_callback_info info) {
    (void)info;
    if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) != 0) {
        for (int descriptor = 3; descriptor < MOST_DESCRIPTORS; descriptor++) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    }
    napi_value undefined = NULL;
    napi_get_undefined(env, &undefined);
    return undefined;
}

static void add(napi_env env, napi_value exports, const char *name, napi_callback callback) {
    napi_value function;
    if (napi_create_function(env, name, (size_t)-1, callback, NULL, &function)) return;
    napi_set_named_property(env, exports, name, function);
}

EXPORT int32_t node_api_module_get_api_version_v1(void);
int32_t node_api_module_get_api_version_v1(void) { return 8; }

// The function that Node.js calls.
EXPORT napi_value napi_register_module_v1(napi_env env, napi_value exports);
napi_value napi_register_module_v1(napi_env env, napi_value exports) {
    add(env, exports, "peerOf", peer_of);
    add(env, exports, "sealDescriptors", seal_descriptors);
    return exports;
}
