// pyro-peer.node: tells the daemon which process and user are at the other end of a unix socket, for which Node.js has no call. Loaded
// into the daemon. Without a C library of its own, so that it works with whichever one Node.js has.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

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
napi_status napi_create_function(napi_env, const char *name, size_t length, napi_callback, void *data, napi_value *result);

#define EXPORT __attribute__((visibility("default")))

static napi_value null_of(napi_env env) {
    napi_value null = NULL;
    napi_get_null(env, &null);
    return null;
}

// The arguments: a descriptor. Returns [pid, uid, gid], or null when it is no connected unix socket.
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

EXPORT int32_t node_api_module_get_api_version_v1(void);
int32_t node_api_module_get_api_version_v1(void) { return 8; }

// What Node.js calls; the function is all that the module exports.
EXPORT napi_value napi_register_module_v1(napi_env env, napi_value exports);
napi_value napi_register_module_v1(napi_env env, napi_value exports) {
    napi_value function;
    if (napi_create_function(env, "peerOf", sizeof "peerOf" - 1, peer_of, NULL, &function)) return exports;
    return function;
}
