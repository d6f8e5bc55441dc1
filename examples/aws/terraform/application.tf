# The application of application.yml: a load balancer, a target group, two servers, and, if asked for, a database.

resource "aws_lb" "main" {
  name_prefix                = "ktk-"
  load_balancer_type         = "application"
  internal                   = false
  security_groups            = [aws_security_group.load_balancer.id]
  subnets                    = aws_subnet.public[*].id
  idle_timeout               = 60
  drop_invalid_header_fields = true
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.main.arn
  protocol          = "HTTP"
  port              = 80
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.main.arn
  }
}

resource "aws_lb_target_group" "main" {
  name                 = var.target_group_name
  vpc_id               = aws_vpc.main.id
  target_type          = "instance"
  protocol             = "HTTP"
  port                 = 80
  deregistration_delay = 300
  health_check {
    protocol            = "HTTP"
    path                = "/health.php"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 2
    matcher             = "200"
  }
}

# Katakei takes the servers out of this group and registers them again. `terraform apply` registers a server that is
# out: do not apply while a rollout runs.
resource "aws_lb_target_group_attachment" "server" {
  count            = 2
  target_group_arn = aws_lb_target_group.main.arn
  target_id        = aws_instance.server[count.index].id
  port             = 80
}

data "aws_ssm_parameter" "image" {
  name = var.image_parameter
}

resource "aws_launch_template" "server" {
  name_prefix            = "${var.name}-"
  image_id               = data.aws_ssm_parameter.image.insecure_value
  instance_type          = var.instance_type
  vpc_security_group_ids = [aws_security_group.server.id]
  user_data              = filebase64("${path.module}/server.sh")
  iam_instance_profile {
    arn = aws_iam_instance_profile.server.arn
  }
  metadata_options {
    http_tokens   = "required"
    http_endpoint = "enabled"
  }
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      encrypted   = true
      volume_type = "gp3"
    }
  }
}

# The two servers differ only in name and subnet.
resource "aws_instance" "server" {
  count     = 2
  subnet_id = aws_subnet.public[count.index].id
  launch_template {
    id      = aws_launch_template.server.id
    version = aws_launch_template.server.latest_version
  }
  tags = {
    Name = "web-${count.index + 1}"
    Role = var.name
  }
}

resource "random_password" "database" {
  count   = var.database ? 1 : 0
  length  = 32
  special = false
}

resource "aws_secretsmanager_secret" "database" {
  count       = var.database ? 1 : 0
  name_prefix = "${var.name}-database-"
  description = "User and password of the database"
}

resource "aws_secretsmanager_secret_version" "database" {
  count         = var.database ? 1 : 0
  secret_id     = aws_secretsmanager_secret.database[0].id
  secret_string = jsonencode({ username = "app", password = random_password.database[0].result })
}

resource "aws_db_subnet_group" "database" {
  count       = var.database ? 1 : 0
  name_prefix = "${var.name}-"
  description = "The two private subnets"
  subnet_ids  = aws_subnet.private[*].id
}

resource "aws_db_instance" "database" {
  count                     = var.database ? 1 : 0
  identifier_prefix         = "${var.name}-"
  engine                    = "mysql"
  instance_class            = "db.t4g.micro"
  allocated_storage         = 20
  storage_encrypted         = true
  db_name                   = "app"
  username                  = "app"
  password                  = random_password.database[0].result
  db_subnet_group_name      = aws_db_subnet_group.database[0].name
  vpc_security_group_ids    = [aws_security_group.database.id]
  publicly_accessible       = false
  backup_retention_period   = 1
  skip_final_snapshot       = false
  final_snapshot_identifier = "${var.name}-database-last"
}
