#!/bin/bash
set -eu
dnf install -y nginx php-fpm
mkdir -p /srv/app
printf '%s\n' v1 > /srv/app/RELEASE
printf '%s\n' '<?php echo "release ", trim(file_get_contents("/srv/app/RELEASE")), " on ", gethostname(), "\n";' > /srv/app/index.php
printf '%s\n' '<?php http_response_code(is_file("/srv/app/RELEASE") ? 200 : 503);' > /srv/app/health.php
cat > /etc/nginx/nginx.conf <<'CONF'
user nginx;
worker_processes auto;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types;
  keepalive_timeout 75s;  # longer than the load balancer's idle timeout, so that no server closes first
  server {
    listen 80 default_server;
    root /srv/app;
    index index.php;
    location ~ \.php$ {
      include fastcgi_params;
      fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
      fastcgi_pass unix:/run/php-fpm/www.sock;
    }
  }
}
CONF
systemctl enable --now php-fpm nginx
