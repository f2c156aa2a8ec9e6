/* Asks the agent whether a file may be read now; without an agent it may.  Usage: ./decide SOCKET */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static const char body[] = "{\"transfer\": {\"path\": \"/data/shard-0001.tar\", \"size\": 4294967296}}";

static double number(const char *json, const char *name, double otherwise)
{
    const char *found = strstr(json, name);
    return found ? strtod(found + strlen(name), NULL) : otherwise;
}

int main(int count, char **arguments)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = 1};
    char request[512], answer[65536];
    size_t length = 0;
    ssize_t got = 0;
    int agent = socket(AF_UNIX, SOCK_STREAM, 0);

    if (count < 2 || strlen(arguments[1]) >= sizeof address.sun_path)
        return 2;
    strcpy(address.sun_path, arguments[1]);
    setsockopt(agent, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    int size = snprintf(request, sizeof request,
                        "POST /v1/decide HTTP/1.1\r\nHost: agent\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\nConnection: close\r\n\r\n%s", strlen(body), body);
    if (connect(agent, (struct sockaddr *)&address, sizeof address) == 0 && write(agent, request, size) == size)
        while (length < sizeof answer - 1 && (got = read(agent, answer + length, sizeof answer - 1 - length)) > 0)
            length += got;
    close(agent);
    answer[length] = '\0';
    const char *json = strstr(answer, "\r\n\r\n");
    if (strncmp(answer, "HTTP/1.1 200", 12) != 0 || json == NULL || got < 0) {
        puts("go ahead: the agent does not answer"); /* it must never stop a transfer */
        return 0;
    }
    /* the totals come after the rules that match, so it is the last of each name that counts */
    const char *total = strstr(json, "],\"prefetch_factor\":");
    printf("delay %g s, paused %s, %g of the prefetch\n", total ? number(total, ",\"delay\":", 0) : 0,
           total && strstr(total, "\"paused\":true") ? "true" : "false",
           total ? number(total, "\"prefetch_factor\":", 1) : 1);
    return 0;
}
