"""How effects reach their receivers: one HTTP request, a mail, a program, the API of Kubernetes; bounded in time."""
