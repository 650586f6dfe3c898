/*
 * The JSON socket: one request per line, one answer per line; docs/json.md is its contract.
 * Management thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_server;
struct management;

#define JSON_SCHEMA    1
#define JSON_CLIENTS   64
#define JSON_LINE_MAX  (64 * 1024)
#define JSON_LIMIT     1000 /* rows of an answer unless the request says otherwise */
#define JSON_LIMIT_MAX 10000

/* json_server_create: `path` of the socket, "" = none.  => NULL with a one-line reason. */
struct json_server *json_server_create(
	struct management *, int epfd, const char *path, char *err, size_t err_size);
void json_server_destroy(struct json_server *);
/* json_server_attach: a client on a descriptor of its own; takes it.  => 0 or -errno. */
int json_server_attach(struct json_server *, int fd);
void json_server_tick(struct json_server *);
/* json_server_events: send what is new to those who follow the events. => somebody does. */
bool json_server_events(struct json_server *);
uint32_t json_server_count(const struct json_server *);
